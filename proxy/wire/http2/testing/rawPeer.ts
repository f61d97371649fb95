/** A connection under test with the other end played frame by frame. */
import { Http2Connection } from '../connection.ts';
import { PREFACE } from '../constants.ts';
import type { Http2Limits } from '../limits.ts';
import { FakeChannel, turn } from './fakeChannel.ts';
import { describeFrame, parse, settings, settingsAck, type Frame } from './frames.ts';
import { Recorder } from './recorder.ts';

export const GET: readonly string[] = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'a'];
export const POST: readonly string[] = [':method', 'POST', ...GET.slice(2)];

export interface RawPeerOptions {
  role?: 'client' | 'server';
  limits?: Partial<Http2Limits>;
  /** What the played end announces. */
  announces?: [identifier: number, value: number][];
}

export class RawPeer {
  readonly channel = new FakeChannel();
  readonly recorder = new Recorder();
  readonly connection: Http2Connection;
  private readonly role: 'client' | 'server';
  private readonly announces: [identifier: number, value: number][];

  /** `role`: of the connection under test. */
  constructor({ role = 'server', limits = {}, announces = [] }: RawPeerOptions = {}) {
    this.role = role;
    this.announces = announces;
    this.connection = new Http2Connection({ channel: this.channel, role, handler: this.recorder, limits });
  }

  /** Exchanges prefaces and SETTINGS, and forgets them. */
  async open(): Promise<this> {
    this.connection.start();
    await this.send(...(this.role === 'server' ? [PREFACE] : []), settings(...this.announces), settingsAck);
    this.recorder.events.length = 0;
    return this;
  }

  /** Feeds frames in one piece; gives what was answered by the end of the turn. */
  async send(...frames: Buffer[]): Promise<string[]> {
    return (await this.exchange(...frames)).map(describeFrame);
  }

  async exchange(...frames: Buffer[]): Promise<Frame[]> {
    if (frames.length > 0) this.channel.feed(Buffer.concat(frames));
    await turn();
    return parse(this.channel.take());
  }
}
