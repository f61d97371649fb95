/** Waits for the first bytes of a connection until it is known what is spoken. Never stalls one that waits for the server. */
import { bound } from './bounds.ts';
import type { Channel, Handler } from './channel.ts';
import { readClientHello, startsAsTls, type ClientHello } from './clientHello.ts';
import { sniff, sniffVersion, type Sniffed } from './sniff.ts';

/** weft: TLS that offers one of our wires. tls: any other. http: HTTP/1.x. tcp: anything else. */
export type Spoken = 'http' | 'http2' | 'weft' | 'tls' | 'tcp';

export interface SnifferOptions {
  /**
   * What is known without looking. 'http': of either version, which is told by what the client sends; it never turns
   * into bytes. 'tcp': decided by the first byte. undefined: nothing is known.
   */
  declared: 'http' | 'tcp' | undefined;
  /**
   * Which TLS counts where a protocol is declared. ours: TLS that offers our wires; any other is judged as declared.
   * any: each, since a client that speaks TLS to a port that is declared otherwise knows better. none: TLS was here before.
   */
  tls: 'ours' | 'any' | 'none';
  /** `bytes`: all that came so far. `hello`: where they are TLS, if it came whole, whatever is declared. */
  decided(spoken: Spoken, bytes: Buffer, hello: ClientHello | undefined): void;
  /** Nothing came for a moment: perhaps the server is to speak first. Sniffing goes on. */
  silent(): void;
  /** The client went away. */
  gone(): void;
}

const EMPTY = Buffer.alloc(0);

export class Sniffer implements Handler {
  private readonly options: SnifferOptions;
  private bytes: Buffer = EMPTY;
  private timer: NodeJS.Timeout | undefined;
  private over = false;

  constructor(channel: Channel, options: SnifferOptions) {
    this.options = options;
    channel.handler = this;
    this.wait(bound.silenceMs, () => options.silent());
  }

  /** Ends sniffing because the server has spoken. Returns what the client has sent so far. */
  stop(): Buffer {
    this.over = true;
    clearTimeout(this.timer);
    return this.bytes;
  }

  data(chunk: Buffer): void {
    if (this.over) return;
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    const { declared, tls } = this.options;
    if (declared === undefined) this.undeclared(sniff(this.bytes));
    else if (tls !== 'none' && startsAsTls(this.bytes)) this.secured(sniff(this.bytes));
    else if (declared === 'http') this.version(sniffVersion(this.bytes));
    else this.decide(declared);
  }

  end(): void {
    if (!this.over) this.decide(this.options.declared ?? 'tcp');
  }

  drain(): void {}

  closed(): void {
    if (this.over) return;
    this.stop();
    this.options.gone();
  }

  private undeclared(seen: Sniffed): void {
    if (seen === 'maybe-http') this.wait(bound.headMs, () => this.decide('http'));
    else if (seen !== 'more') this.decide(seen);
    else if (startsAsTls(this.bytes)) this.wait(bound.sniffMs, () => this.decide('tls'));
    else this.wait(bound.undecidedMs, () => this.decide('tcp'));
  }

  /** It starts as TLS does, where something else is declared. */
  private secured(seen: Sniffed): void {
    const declared = this.options.declared ?? 'tcp';
    const other = this.options.tls === 'any' ? 'tls' : declared;
    if (seen === 'weft') this.decide('weft');
    else if (seen === 'tls') this.decide(other);
    else if (seen === 'tcp') this.decide(declared);
    else this.wait(bound.sniffMs, () => this.decide(other));
  }

  private version(seen: 'more' | 'http' | 'http2'): void {
    if (seen !== 'more') this.decide(seen);
    else this.wait(bound.headMs, () => this.decide('http'));
  }

  private decide(spoken: Spoken): void {
    if (this.over) return;
    const bytes = this.stop();
    const hello = startsAsTls(bytes) ? readClientHello(bytes) : undefined;
    this.options.decided(spoken, bytes, typeof hello === 'object' ? hello : undefined);
  }

  private wait(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }
}
