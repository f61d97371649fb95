/**
 * Writes messages whose head and body come apart, as HTTP/2 brings them: a head waits for what else the same moment
 * brings, so that both leave in one piece. A system call each would cost more than all the rest.
 */
import type { Channel } from '../channel.ts';

/** Bytes of up to this size are joined with what waits: one write instead of two. */
const JOIN_BYTES = 8192;

export class HeadFirst {
  private readonly channel: Channel;
  private waiting = '';

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** `more`: the body follows, perhaps at once. */
  head(text: string, more: boolean): boolean {
    if (!more) return this.channel.write(text);
    this.waiting = text;
    queueMicrotask(this.flush);
    return true;
  }

  /** False: wait for drain. */
  write(bytes: Buffer | string): boolean {
    const { waiting, channel } = this;
    if (waiting === '') return channel.write(bytes);
    this.waiting = '';
    if (typeof bytes === 'string') return channel.write(waiting + bytes);
    if (bytes.length <= JOIN_BYTES) return channel.write(waiting + bytes.toString('latin1'));
    channel.cork();
    channel.write(waiting);
    const flowing = channel.write(bytes);
    channel.uncork();
    return flowing;
  }

  cork(): void {
    this.channel.cork();
  }

  uncork(): void {
    this.channel.uncork();
  }

  readonly flush = (): void => {
    const { waiting } = this;
    if (waiting === '') return;
    this.waiting = '';
    this.channel.write(waiting);
  };
}
