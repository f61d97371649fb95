/**
 * What the parts of a connection share, and how they meet: receiver.ts takes frames, sections.ts and messages.ts make
 * messages of them, sender.ts gives streams their turns, credit.ts gives the peer its windows, liveness.ts watches over
 * time and ending.ts over the end. What comes is worked on at once; what is said leaves at the end of the turn.
 */
import type { Channel, Handler } from '../channel.ts';
import { code } from './constants.ts';
import { Credit } from './credit.ts';
import { Ending, failure } from './ending.ts';
import { flood, floodBound, floodName, Floods } from './floods.ts';
import type { FrameReader } from './frameReader.ts';
import { FrameWriter } from './frameWriter.ts';
import type { ConnectionHandler, Http2Options, StreamHandler } from './handlers.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { defaultLimits, type Http2Limits } from './limits.ts';
import { Liveness } from './liveness.ts';
import { Output } from './output.ts';
import { Receiver } from './receiver.ts';
import type { Sections } from './sections.ts';
import { Sender } from './sender.ts';
import { PeerSettings } from './settings.ts';
import { Http2Stream, unheard, type StreamOwner } from './stream.ts';
import { StreamTable } from './streamTable.ts';

const NONE: readonly string[] = [];

export class Core implements Handler, StreamOwner {
  readonly channel: Channel;
  readonly role: 'client' | 'server';
  readonly handler: ConnectionHandler;
  readonly limits: Http2Limits;
  readonly table = new StreamTable();
  readonly peer: PeerSettings;
  readonly floods: Floods;
  readonly encoder: HpackEncoder;
  readonly writer: FrameWriter;
  readonly sender: Sender;
  readonly credit: Credit;
  readonly receiver: Receiver;
  readonly liveness: Liveness;
  readonly ending: Ending;
  readonly output: Output;
  /** The connection is over, and everybody has been told. */
  over = false;
  /** The peer has acknowledged our SETTINGS. */
  acknowledged = false;
  protected idleAt = performance.now();
  private told = false;

  constructor(options: Http2Options) {
    this.channel = options.channel;
    this.role = options.role;
    this.handler = options.handler;
    this.limits = options.limits ? { ...defaultLimits, ...options.limits } : defaultLimits;
    this.floods = new Floods(performance.now.bind(performance), this.limits.cancelScale);
    this.peer = new PeerSettings(this.role, this.limits.assumedStreams);
    this.encoder = new HpackEncoder({ maxTableSize: this.limits.headerTableBytes });
    this.writer = new FrameWriter(this.encoder);
    this.output = new Output(this);
    this.sender = new Sender(this);
    this.credit = new Credit(this);
    this.receiver = new Receiver(this);
    this.liveness = new Liveness(this);
    this.ending = new Ending(this);
  }

  get reader(): FrameReader {
    return this.receiver.reader;
  }
  get sections(): Sections {
    return this.receiver.sections;
  }
  get settled(): boolean {
    return this.peer.known && this.acknowledged;
  }
  get blocked(): boolean {
    return this.output.blocked;
  }
  get closing(): boolean {
    return this.ending.closing;
  }
  get midSection(): boolean {
    return this.sections.streamId !== 0;
  }
  get wanted(): boolean {
    return this.role === 'client' || this.table.size > 0;
  }
  /** Highest stream of the peer that was taken. */
  get lastTaken(): number {
    return this.role === 'server' ? this.table.last : 0;
  }
  /** One more stream of ours would be within the bounds of both sides. */
  get hasRoom(): boolean {
    return this.table.size < this.peer.maxConcurrentStreams && this.writer.bytes <= this.limits.outBytes;
  }

  // -- from the channel

  data(bytes: Buffer): void {
    this.liveness.heard = true;
    this.reader.read(bytes);
  }

  /** A peer that has finished sending can neither open windows nor acknowledge: nobody keeps such a connection. */
  end(): void {
    if (this.ending.closing) return;
    if (this.table.size > 0)
      this.ending.error ??= failure('the peer closed the connection under its streams');
    this.ending.close();
    this.ending.tellGoingAway();
    this.loseAll(this.lossCode);
  }

  drain(): void {
    this.output.drain();
  }

  closed(error: Error | undefined): void {
    if (this.told) return;
    this.told = true;
    if (this.table.size > 0) {
      this.ending.error ??= error ?? failure('the connection was cut under its streams');
    }
    this.stop(this.lossCode);
    this.handler.closed(this.ending.error ?? error);
  }

  /** What streams are told that end with their connection. */
  private get lossCode(): number {
    return this.role === 'server' ? code.CANCEL : code.INTERNAL_ERROR;
  }

  // -- from streams

  sendHead(stream: Http2Stream, fields: readonly string[], ended: boolean): void {
    this.writeFields(stream, fields, ended);
    this.kick();
    if (!ended) return;
    stream.ending = true;
    this.sentEnd(stream);
  }

  writeFields(stream: Http2Stream, fields: readonly string[], ended: boolean): void {
    const { encoder } = this;
    const marked = stream.neverIndexed.length > 0;
    if (marked) encoder.neverIndexed = stream.neverIndexed;
    this.writer.headers(stream.id, fields, ended);
    if (marked) encoder.neverIndexed = NONE;
  }

  sendData(stream: Http2Stream, bytes: Buffer): boolean {
    return this.sender.write(stream, bytes);
  }

  sendEnd(stream: Http2Stream): void {
    this.sender.schedule(stream);
  }

  sendReset(stream: Http2Stream, errorCode: number): void {
    if (errorCode === code.NO_ERROR && stream.ending && !stream.sentEnd) {
      stream.resetAfterEnd = true;
      return;
    }
    this.sayReset(stream.id, errorCode);
    this.remove(stream);
  }

  resumed(stream: Http2Stream): void {
    this.credit.resumed(stream);
  }

  // -- streams begin and end

  openStream(id: number, ended: boolean, handler: StreamHandler = unheard): Http2Stream {
    const stream = new Http2Stream(id, this, handler);
    stream.sendWindow = this.peer.initialWindowSize;
    stream.receiveWindow = this.credit.streamWindow;
    stream.receivedEnd = ended;
    stream.responded = this.role === 'server';
    this.table.add(stream);
    return stream;
  }

  sentEnd(stream: Http2Stream): void {
    stream.sentEnd = true;
    if (stream.receivedEnd) this.complete(stream);
    else if (stream.resetAfterEnd) {
      this.sayReset(stream.id, code.NO_ERROR);
      this.remove(stream);
    }
  }

  receivedEnd(stream: Http2Stream): void {
    if (stream.sentEnd && !stream.closed) this.complete(stream);
  }

  private complete(stream: Http2Stream): void {
    this.floods.giveBack(flood.reset, 1);
    this.remove(stream);
  }

  private remove(stream: Http2Stream): void {
    const full = this.role === 'client' && !this.hasRoom;
    stream.closed = true;
    this.table.remove(stream);
    this.sender.drop(stream);
    this.credit.release(stream);
    if (this.table.size === 0) this.idleAt = performance.now();
    if (this.ending.goingAway) this.ending.closeIfDone();
    else if (full) this.roomMade();
  }

  /** Ends a stream that the peer or an error has ended, and tells its handler. */
  lose(stream: Http2Stream, errorCode: number, unprocessed: boolean): void {
    if (stream.closed) return;
    this.remove(stream);
    stream.handler.reset(errorCode, unprocessed, '');
  }

  loseAll(errorCode: number): void {
    for (const stream of this.table.open.values()) {
      this.lose(stream, errorCode, this.role === 'client' && stream.id > this.output.handedOver);
    }
  }

  /** The peer has erred on a stream (5.4.2). `text`: what was wrong. */
  streamError(stream: Http2Stream, errorCode: number, text: string): void {
    if (!this.floods.take(flood.reset)) return this.tooMuch(flood.reset);
    this.sayReset(stream.id, errorCode);
    this.remove(stream);
    stream.handler.reset(errorCode, false, text);
  }

  /** Server role: a request that gets no stream. */
  refuse(streamId: number, errorCode: number): void {
    if (!this.floods.take(flood.reset)) return this.tooMuch(flood.reset);
    this.sayReset(streamId, errorCode);
  }

  kick(): void {
    this.output.kick();
  }

  /** More streams than before may be opened, if any may. */
  roomMade(): void {
    if (this.role === 'client' && this.open && this.hasRoom) this.handler.available();
  }

  private sayReset(streamId: number, errorCode: number): void {
    this.writer.reset(streamId, errorCode);
    this.table.rememberReset(streamId);
    this.kick();
    if (errorCode !== code.NO_ERROR) this.handler.errored(errorCode, true);
  }

  /** Frames for it may be under way though there is no such stream: it was reset, or came after GOAWAY (6.8). */
  ignores(streamId: number): boolean {
    return this.table.wasReset(streamId) || (this.role === 'server' && streamId > this.ending.lastTaken);
  }

  /** Counts what costs the peer nothing; too much of it ends the connection. */
  count(kind: number): void {
    if (!this.floods.take(kind)) this.tooMuch(kind);
  }

  tooMuch(kind: number): void {
    this.exceeds(floodBound(kind), `too many ${floodName(kind)}`);
  }

  exceeds(bound: string, text: string): void {
    if (this.closing) return;
    this.handler.boundReached(bound);
    this.fail(code.ENHANCE_YOUR_CALM, text);
  }

  fail(errorCode: number, text: string): void {
    this.ending.fail(errorCode, text);
  }

  /** The peer is not there, or does not read: it can be told nothing. */
  lost(text: string): void {
    this.ending.error ??= failure(text);
    this.stop(this.lossCode);
    this.channel.destroy();
  }

  /** Nothing is read or made any more; streams are told. */
  protected stop(errorCode: number): void {
    this.over = true;
    this.reader.stopped = true;
    this.ending.closing = true;
    this.loseAll(errorCode);
    this.ending.tellGoingAway();
    this.writer.drop();
  }

  get open(): boolean {
    return !this.over && !this.ending.goingAway && !this.ending.closing;
  }
}
