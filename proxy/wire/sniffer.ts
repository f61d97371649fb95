/** Waits for the first bytes of a connection until it is known what is spoken. Never stalls one that waits for the server. */
import { bound } from './bounds.ts';
import type { Channel, Handler } from './channel.ts';
import { sniff } from './sniff.ts';

export type Spoken = 'http' | 'http2' | 'weft' | 'tls' | 'tcp';

export interface SnifferOptions {
  /** What is known without looking: 'http' and 'tcp' ports are only looked at for TLS. */
  declared: 'http' | 'tcp' | undefined;
  /** True: TLS matters here. False: a declared protocol is decided by the first byte, whatever it is. */
  tls: boolean;
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
    if (declared !== undefined && (!tls || this.bytes[0] !== 0x16)) return this.decide(declared);
    const seen = sniff(this.bytes);
    if (seen === 'http' || seen === 'http2' || seen === 'weft') return this.decide(seen);
    if (seen === 'tls' || seen === 'tcp') return this.decide(declared ?? seen);
    const isTls = this.bytes[0] === 0x16;
    if (isTls) this.wait(bound.sniffMs, () => this.decide(declared ?? 'tls'));
    else if (seen === 'maybe-http') this.wait(bound.headMs, () => this.decide('http'));
    else this.wait(bound.undecidedMs, () => this.decide('tcp'));
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

  private decide(spoken: Spoken): void {
    if (this.over) return;
    const bytes = this.stop();
    this.options.decided(spoken, bytes);
  }

  private wait(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }
}
