/** Waits for the first bytes of a connection until it is known what is spoken. Never stalls one that waits for the server. */
import { bound } from './bounds.ts';
import type { Channel, Handler } from './channel.ts';
import { bytesToAskAgain, readClientHello, startsAsTls } from './clientHello.ts';
import { Accumulator } from './http1/accumulator.ts';
import { offersWire, sniff, sniffVersion, type Sniffed } from './sniff.ts';

/** weft: TLS that offers one of our wires. tls: any other. http: HTTP/1.x. tcp: anything else. */
export type Spoken = 'http' | 'http2' | 'weft' | 'tls' | 'tcp';

export interface SnifferOptions {
  /**
   * What is known without looking. 'http': of either version, which is told by what the client sends; it never turns
   * into bytes, unless they are TLS that counts. 'tcp': decided by the first byte. undefined: nothing is known.
   */
  declared: 'http' | 'tcp' | undefined;
  /**
   * Whether TLS counts where a protocol is declared: a client that speaks it to such a port knows better. Only a whole
   * ClientHello is taken for it; anything else is judged as declared.
   */
  tls: boolean;
  /** `bytes`: all that came so far. */
  decided(spoken: Spoken, bytes: Buffer): void;
  /** Nothing came for a moment: perhaps the server is to speak first. Sniffing goes on. */
  silent(): void;
  /** The client went away. */
  gone(): void;
}

const EMPTY = Buffer.alloc(0);

export class Sniffer implements Handler {
  private readonly options: SnifferOptions;
  private bytes: Buffer = EMPTY;
  private gathered: Accumulator | undefined = undefined;
  /** With fewer bytes there is nothing new to see. */
  private enough = 0;
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
    this.bytes =
      this.bytes.length === 0 ? chunk : (this.gathered ??= new Accumulator(this.bytes)).append(chunk);
    if (this.bytes.length < this.enough) return;
    const { declared, tls } = this.options;
    if (declared === undefined) this.undeclared(sniff(this.bytes));
    else if (tls && startsAsTls(this.bytes)) this.secured(declared);
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
    else if (startsAsTls(this.bytes)) this.waitForHello('tls');
    else this.wait(bound.undecidedMs, () => this.decide('tcp'));
  }

  /** It starts as TLS does, where something else is declared. */
  private secured(declared: 'http' | 'tcp'): void {
    const hello = readClientHello(this.bytes);
    if (typeof hello === 'object') this.decide(offersWire(hello) ? 'weft' : 'tls');
    else if (hello === 'more') this.waitForHello(declared);
    else this.decide(declared);
  }

  private waitForHello(otherwise: Spoken): void {
    this.enough = bytesToAskAgain(this.bytes);
    this.wait(bound.sniffMs, () => this.decide(otherwise));
  }

  private version(seen: 'more' | 'http' | 'http2'): void {
    if (seen !== 'more') this.decide(seen);
    else this.wait(bound.headMs, () => this.decide('http'));
  }

  private decide(spoken: Spoken): void {
    if (this.over) return;
    this.options.decided(spoken, this.stop());
  }

  private wait(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }
}
