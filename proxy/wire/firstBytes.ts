/** Looks at what a client says first on a connection that is carried as bytes, while it passes. */
import { readClientHello, startsAsTls } from './clientHello.ts';
import { sniff } from './sniff.ts';

const NOTHING = Buffer.alloc(0);

export class FirstBytes {
  /** Host that the client of TLS asks for (SNI), once its ClientHello has passed. */
  serverName: string | undefined = undefined;
  /** What comes from here on changes nothing. */
  over = false;
  private readonly guarded: boolean;
  private seen: Buffer = NOTHING;

  /**
   * `guarded`: requests must not pass. One that is typed slowly is not recognized in time; it must not reach the
   * application either, with fields that only proxies may set.
   */
  constructor(guarded: boolean) {
    this.guarded = guarded;
  }

  /** Judges bytes before they pass; false: they complete a request line of HTTP. */
  pass(bytes: Buffer): boolean {
    if (this.over) return true;
    this.seen = this.seen.length === 0 ? bytes : Buffer.concat([this.seen, bytes]);
    if (startsAsTls(this.seen)) return this.passTls();
    const spoken = this.guarded ? sniff(this.seen) : 'tcp';
    if (spoken === 'http' || spoken === 'http2') return false;
    // what was recognized stays recognized, whatever comes after
    if (spoken !== 'more' && spoken !== 'maybe-http') this.stop();
    return true;
  }

  private passTls(): true {
    const hello = readClientHello(this.seen);
    if (hello === 'more') return true;
    if (typeof hello === 'object') this.serverName = hello.serverName;
    this.stop();
    return true;
  }

  private stop(): void {
    this.over = true;
    this.seen = NOTHING;
  }
}
