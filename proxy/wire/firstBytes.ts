/** Looks at what a client says first on a connection that is carried as bytes, while it passes. */
import { bytesToAskAgain, readClientHello, startsAsRecord, startsAsTls } from './clientHello.ts';
import { exactCopy } from './copies.ts';
import { Accumulator } from './http1/accumulator.ts';
import { sniff } from './sniff.ts';

const NOTHING = Buffer.alloc(0);

export class FirstBytes {
  /** Host that the client of TLS asks for (SNI), once its ClientHello has passed. */
  serverName: string | undefined = undefined;
  /** What comes from here on changes nothing. */
  over = false;
  private readonly guarded: boolean;
  private seen: Buffer = NOTHING;
  private gathered: Accumulator | undefined = undefined;
  /** With fewer bytes there is nothing new to see. */
  private enough = 0;
  private afterHello = false;

  /**
   * `guarded`: requests must not pass. One that is typed slowly is not recognized in time; it must not reach the
   * application either, with fields that only proxies may set. Nor must one that hides behind a ClientHello.
   */
  constructor(guarded: boolean) {
    this.guarded = guarded;
  }

  /** Judges bytes before they pass; false: they complete a request line of HTTP, or are no TLS after a ClientHello. */
  pass(bytes: Buffer): boolean {
    if (this.over) return true;
    this.seen = this.seen.length === 0 ? bytes : (this.gathered ??= new Accumulator(this.seen)).append(bytes);
    if (this.seen.length < this.enough) return true;
    if (this.afterHello) return this.passRecord();
    if (startsAsTls(this.seen)) return this.passTls();
    const spoken = this.guarded ? sniff(this.seen) : 'tcp';
    if (spoken === 'http' || spoken === 'http2') return false;
    // what was recognized stays recognized, whatever comes after
    if (spoken !== 'more' && spoken !== 'maybe-http') this.stop();
    return true;
  }

  private passTls(): boolean {
    const hello = readClientHello(this.seen);
    if (hello === 'more') {
      this.enough = bytesToAskAgain(this.seen);
      return true;
    }
    if (typeof hello === 'object') {
      this.serverName = hello.serverName;
      if (this.guarded) {
        this.afterHello = true;
        this.enough = 0;
        this.seen = exactCopy(this.seen.subarray(hello.length, hello.length + 2));
        this.gathered = undefined;
        return this.passRecord();
      }
    }
    this.stop();
    return true;
  }

  private passRecord(): boolean {
    if (!startsAsRecord(this.seen)) return false;
    if (this.seen.length >= 2) this.stop();
    return true;
  }

  private stop(): void {
    this.over = true;
    this.seen = NOTHING;
    this.gathered = undefined;
  }
}
