/**
 * Feeds a connection what the bytes say: as they are, or as frames that are made of them and get deeper. Throws where
 * something that must always hold does not. Needs no event loop.
 */
import { Http2Connection } from '../connection.ts';
import { PREFACE } from '../constants.ts';
import type { Http2Limits } from '../limits.ts';
import { memory } from '../memory.ts';
import { endTurn } from '../turn.ts';
import { ContractHandler } from './contract.ts';
import { FakeChannel } from './fakeChannel.ts';
import { parse, settings, settingsAck } from './frames.ts';
import { KINDS, makeFrame, REQUEST, Source } from './fuzzFrames.ts';

/** Small, so that they are reached. */
const limits: Partial<Http2Limits> = {
  streams: 8,
  headerListBytes: 2000,
  headerBlockBytes: 4000,
  streamWindow: 1000,
  connectionWindow: 70_000,
  heldBytes: 3000,
  streamQueueBytes: 1000,
  queueBytes: 5000,
  turnBytes: 3000,
  outBytes: 10_000,
};
const STEPS = 2000;

/** Bits of the first byte: 1 client role, 2 frames made of the rest, 4 bytes one by one, 8 no greeting before them. */
export function fuzzHttp2(data: Uint8Array): void {
  const source = new Source(data);
  const mode = source.next();
  new Run(mode, source.next()).all(source);
}

class Run {
  private readonly channel = new FakeChannel();
  private readonly handler = new ContractHandler();
  private readonly connection: Http2Connection;
  private readonly mode: number;
  private readonly heldBefore = memory.held;
  private readonly queuedBefore = memory.queued;
  private readonly written: Buffer[] = [];
  private now = performance.now();

  constructor(mode: number, behaviour: number) {
    this.mode = mode;
    this.handler.behaviour = behaviour;
    const role = (mode & 1) !== 0 ? 'client' : 'server';
    this.connection = new Http2Connection({ channel: this.channel, role, handler: this.handler, limits });
  }

  all(source: Source): void {
    this.connection.start();
    if ((this.mode & 8) === 0) {
      if (this.connection.role === 'server') this.feed(PREFACE);
      this.feed(Buffer.concat([settings([8, 1]), settingsAck]));
    }
    for (let count = 0; count < 3; count++) this.ask(source);
    if ((this.mode & 2) === 0) this.feed(source.take(1 << 16));
    else this.steps(source);
    this.end();
  }

  private steps(source: Source): void {
    for (let steps = 0; source.more && steps < STEPS; steps++) {
      const kind = source.next() & 0x1f;
      if (kind > KINDS) this.own(kind, source);
      else this.feed(makeFrame(this.connection, kind, source));
      if (this.connection.closing) return;
    }
  }

  /** What its owner does. */
  private own(kind: number, source: Source): void {
    const stream = this.handler.streams.at(-1 - (source.next() % 8));
    switch (kind) {
      case 14:
      case 15:
        return this.ask(source);
      case 16:
      case 17:
        return stream?.resume();
      case 18:
        stream?.write(Buffer.alloc(source.next() * 20));
        return;
      case 19:
        return stream?.end((source.next() & 1) !== 0 ? ['x-t', 'u'] : undefined);
      case 20:
        this.channel.takes = !this.channel.takes;
        if (this.channel.takes) this.channel.handler.drain();
        return endTurn();
      case 21:
        this.now += source.next() * 100;
        return this.connection.sweep(this.now);
      case 22:
        if (source.next() > 200) this.connection.shutdown();
        return;
      case 23:
        if (source.next() > 200) this.channel.finish();
        return;
      case 24:
        this.connection.ping(() => {});
        return;
      default:
        this.handler.behaviour = source.next();
    }
  }

  /** A client opens a stream. */
  private ask(source: Source): void {
    if (this.connection.role !== 'client') return;
    const behaviour = (this.handler.behaviour = source.next());
    const handler = this.handler.asked();
    const stream = this.connection.request(REQUEST, false, handler);
    if (stream === undefined) return;
    handler.stream = stream;
    this.handler.streams.push(stream);
    if ((behaviour & 1) !== 0) stream.write(Buffer.alloc(2000));
    if ((behaviour & 2) !== 0) stream.end();
  }

  private feed(bytes: Buffer): void {
    const size = (this.mode & 4) !== 0 ? 1 : bytes.length;
    for (let at = 0; at < bytes.length; at += size) this.channel.feed(bytes.subarray(at, at + size));
    endTurn();
    this.check();
  }

  private check(): void {
    const { connection } = this;
    const { reader, writer, table, role, limits, sender } = connection;
    must(reader.kept <= limits.frameBytes + 9, 'keeps more than a frame');
    must(
      writer.bytes <= limits.outBytes * 4 + limits.turnBytes + limits.frameBytes,
      'makes more than it may',
    );
    must(role === 'client' || table.size <= limits.streams, 'more streams than announced');
    must(connection.sections.gathered <= limits.headerBlockBytes + limits.frameBytes, 'gathers too much');
    must(sender.queued >= 0 && connection.credit.held >= 0, 'counts below zero');
    this.written.push(this.channel.take());
  }

  /** A write may wait some turns for more to say, and no longer. */
  private settle(): void {
    let turns = 0;
    do {
      must(++turns <= 10, 'does not write what it made');
      endTurn();
    } while (this.connection.writer.bytes > 0);
  }

  /** What it said is whole frames, and it holds nothing. */
  private end(): void {
    this.channel.takes = true;
    this.channel.handler.drain();
    this.settle();
    this.check();
    this.connection.destroy();
    this.channel.destroy();
    this.check();
    parse(Buffer.concat(this.written));
    must(memory.held === this.heldBefore, 'holds on to credit');
    must(memory.queued === this.queuedBefore, 'holds on to memory');
    must(this.connection.streams === 0 && this.connection.sender.queued === 0, 'holds on to streams');
    must(
      this.handler.streams.every(({ closed }) => closed),
      'leaves streams open',
    );
  }
}

function must(condition: boolean, text: string): void {
  if (!condition) throw new Error(`invariant: ${text}`);
}
