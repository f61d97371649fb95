/** Takes frames as they come: RFC 9113, 6, frame by frame. Field sections go on to sections.ts. */
import {
  ACK,
  code,
  CONTINUATION,
  DATA,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PING,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './constants.ts';
import type { Core } from './core.ts';
import { flood } from './floods.ts';
import { FrameReader, type FrameSink } from './frameReader.ts';
import { Messages } from './messages.ts';
import { Sections } from './sections.ts';
import type { Http2Stream } from './stream.ts';

export class Receiver implements FrameSink {
  readonly reader: FrameReader;
  readonly sections: Sections;
  private readonly messages: Messages;
  private readonly connection: Core;
  /** Takes the content of the current DATA frame; undefined: it is thrown away. */
  private dataFor: Http2Stream | undefined = undefined;

  constructor(connection: Core) {
    const { limits, role } = connection;
    this.connection = connection;
    this.reader = new FrameReader(this, { maxFrame: limits.frameBytes, preface: role === 'server' });
    this.messages = new Messages(connection);
    this.sections = new Sections(connection, this.messages);
  }

  broken(errorCode: number, text: string): void {
    this.connection.fail(errorCode, text);
  }

  frame(): void {
    const { type } = this.reader;
    if (!this.inOrder(type)) return;
    switch (type) {
      case HEADERS:
        return this.sections.headers(this.reader);
      case CONTINUATION:
        return this.sections.continuation(this.reader);
      case WINDOW_UPDATE:
        return this.windowUpdate();
      case RST_STREAM:
        return this.reset();
      case SETTINGS:
        return this.settings();
      case PING:
        return this.ping();
      case GOAWAY:
        return this.goaway();
      case PRIORITY:
        return this.priority();
      case PUSH_PROMISE:
        return this.connection.fail(code.PROTOCOL_ERROR, 'PUSH_PROMISE, though push is disabled');
      default:
        return this.connection.count(flood.unknown);
    }
  }

  /** SETTINGS come first (3.4), and nothing comes between the frames of a field section (4.3). */
  private inOrder(type: number): boolean {
    const { connection, sections, reader } = this;
    if (sections.streamId !== 0) {
      if (type === CONTINUATION && reader.streamId === sections.streamId) return true;
      connection.fail(code.PROTOCOL_ERROR, 'a field section is not complete');
      return false;
    }
    if (connection.peer.known || (type === SETTINGS && (reader.flags & ACK) === 0)) return true;
    connection.fail(code.PROTOCOL_ERROR, 'the first frame is not SETTINGS');
    return false;
  }

  // -- DATA

  dataHead(): void {
    const { reader, connection } = this;
    const { streamId, length } = reader;
    this.dataFor = undefined;
    if (!this.inOrder(DATA)) return;
    if (streamId === 0) return connection.fail(code.PROTOCOL_ERROR, 'DATA on stream 0');
    if (!connection.credit.take(length)) {
      return connection.fail(code.FLOW_CONTROL_ERROR, 'DATA exceeds the window of the connection');
    }
    const stream = connection.table.open.get(streamId);
    if (stream === undefined) return this.noStream(streamId);
    if (stream.receivedEnd) return connection.streamError(stream, code.STREAM_CLOSED, 'DATA after the end');
    if (!connection.credit.takeFor(stream, length)) {
      return connection.streamError(stream, code.FLOW_CONTROL_ERROR, 'DATA exceeds the window of the stream');
    }
    const ended = (reader.flags & END_STREAM) !== 0;
    if (reader.content === 0 && !ended) return connection.count(flood.empty);
    if (!this.messages.content(stream, reader.content, ended)) return;
    this.dataFor = stream;
  }

  dataPart(bytes: Buffer, start: number, end: number): void {
    const stream = this.dataFor;
    if (stream === undefined || stream.closed) return;
    const { reader } = this;
    const ended = reader.contentLeft === 0 && (reader.flags & END_STREAM) !== 0;
    if (ended) stream.receivedEnd = true;
    stream.handler.data(end - start === bytes.length ? bytes : bytes.subarray(start, end), ended);
    if (ended) this.connection.receivedEnd(stream);
  }

  /** A frame that needs an open stream came for one that is none. */
  private noStream(streamId: number): void {
    const { connection } = this;
    if (connection.ignores(streamId)) return connection.count(flood.late);
    if (connection.table.isIdle(streamId)) connection.fail(code.PROTOCOL_ERROR, 'DATA on an idle stream');
    else connection.fail(code.STREAM_CLOSED, 'DATA on a closed stream');
  }

  // -- the other frames of a stream

  private reset(): void {
    const { reader, connection } = this;
    const { streamId } = reader;
    if (reader.length !== 4) return connection.fail(code.FRAME_SIZE_ERROR, 'RST_STREAM is not 4 bytes long');
    if (connection.table.isIdle(streamId) && !connection.ignores(streamId)) {
      return connection.fail(code.PROTOCOL_ERROR, 'RST_STREAM on an idle stream');
    }
    const stream = connection.table.open.get(streamId);
    // after an answer, or late; nothing to do, but not for nothing
    if (stream === undefined) return connection.count(flood.late);
    // one that was answered has cost its peer a request like any other: who has seen enough of a stream may say so
    if (connection.role === 'server' && !stream.answered && !connection.floods.take(flood.reset)) {
      return connection.tooMuch(flood.reset);
    }
    const errorCode = reader.bytes.readUInt32BE(reader.start);
    if (errorCode !== code.NO_ERROR) connection.handler.errored(errorCode, false);
    const unprocessed = errorCode === code.REFUSED_STREAM && connection.role === 'client';
    connection.lose(stream, errorCode, unprocessed);
  }

  private windowUpdate(): void {
    const { reader, connection } = this;
    const { streamId } = reader;
    if (reader.length !== 4) {
      return connection.fail(code.FRAME_SIZE_ERROR, 'WINDOW_UPDATE is not 4 bytes long');
    }
    if (!connection.floods.take(flood.windowUpdate)) return connection.tooMuch(flood.windowUpdate);
    const increment = reader.bytes.readUInt32BE(reader.start) & 0x7fffffff;
    if (streamId === 0) {
      if (increment === 0) return connection.fail(code.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
      if (connection.sender.widen(increment)) return;
      return connection.fail(code.FLOW_CONTROL_ERROR, 'window of the connection exceeds 2^31-1');
    }
    const stream = connection.table.open.get(streamId);
    if (stream === undefined) {
      if (!connection.table.isIdle(streamId) || connection.ignores(streamId)) return;
      return connection.fail(code.PROTOCOL_ERROR, 'WINDOW_UPDATE on an idle stream');
    }
    if (increment === 0) return connection.streamError(stream, code.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
    if (!connection.sender.widenStream(stream, increment)) {
      connection.streamError(stream, code.FLOW_CONTROL_ERROR, 'window of a stream exceeds 2^31-1');
    }
  }

  /** Priorities of RFC 7540 are ignored (5.3.2), but for what cannot be one. */
  private priority(): void {
    const { reader, connection } = this;
    if (reader.streamId === 0) return connection.fail(code.PROTOCOL_ERROR, 'PRIORITY on stream 0');
    if (reader.length !== 5) return connection.fail(code.FRAME_SIZE_ERROR, 'PRIORITY is not 5 bytes long');
    if ((reader.bytes.readUInt32BE(reader.start) & 0x7fffffff) === reader.streamId) {
      return connection.fail(code.PROTOCOL_ERROR, 'a stream that depends on itself');
    }
    connection.count(flood.priority);
  }

  // -- frames of the connection

  private settings(): void {
    const { reader, connection } = this;
    if (reader.streamId !== 0) return connection.fail(code.PROTOCOL_ERROR, 'SETTINGS on a stream');
    if ((reader.flags & ACK) !== 0) {
      if (reader.length !== 0) return connection.fail(code.FRAME_SIZE_ERROR, 'SETTINGS ACK with content');
      return this.acknowledged();
    }
    if (reader.length % 6 !== 0) return connection.fail(code.FRAME_SIZE_ERROR, 'SETTINGS of odd length');
    if (reader.length / 6 > connection.limits.settingsPerFrame) {
      return connection.exceeds('settingsPerFrame', 'too many SETTINGS');
    }
    if (!connection.floods.take(flood.settings)) return connection.tooMuch(flood.settings);
    const before = connection.peer.initialWindowSize;
    const error = connection.peer.take(reader.bytes, reader.start, reader.end);
    if (error !== code.NO_ERROR) return connection.fail(error, connection.peer.problem);
    connection.encoder.setPeerTableSize(connection.peer.headerTableSize);
    connection.writer.maxFrame = connection.peer.maxFrameSize;
    connection.writer.settings([], true);
    connection.kick();
    this.widenAll(connection.peer.initialWindowSize - before);
    connection.roomMade();
  }

  /** 6.9.2: a new initial window changes that of every stream. */
  private widenAll(difference: number): void {
    const { connection } = this;
    if (difference === 0) return;
    for (const stream of connection.table.open.values()) {
      if (connection.sender.widenStream(stream, difference)) continue;
      return connection.fail(code.FLOW_CONTROL_ERROR, 'window of a stream exceeds 2^31-1');
    }
  }

  /** Our SETTINGS are in force at the peer. */
  private acknowledged(): void {
    const { connection } = this;
    if (connection.acknowledged) return;
    connection.acknowledged = true;
    const { streamWindow, headerTableBytes } = connection.limits;
    const difference = streamWindow - connection.credit.streamWindow;
    connection.credit.streamWindow = streamWindow;
    for (const stream of connection.table.open.values()) stream.receiveWindow += difference;
    this.sections.decoder.setMaxTableSize(headerTableBytes);
  }

  private ping(): void {
    const { reader, connection } = this;
    if (reader.streamId !== 0) return connection.fail(code.PROTOCOL_ERROR, 'PING on a stream');
    if (reader.length !== 8) return connection.fail(code.FRAME_SIZE_ERROR, 'PING is not 8 bytes long');
    if (!connection.floods.take(flood.ping)) return connection.tooMuch(flood.ping);
    const high = reader.bytes.readUInt32BE(reader.start);
    const low = reader.bytes.readUInt32BE(reader.start + 4);
    if ((reader.flags & ACK) !== 0) return connection.liveness.answered(high, low);
    connection.writer.ping(high, low, true);
    connection.kick();
  }

  private goaway(): void {
    const { reader, connection } = this;
    if (reader.streamId !== 0) return connection.fail(code.PROTOCOL_ERROR, 'GOAWAY on a stream');
    if (reader.length < 8) return connection.fail(code.FRAME_SIZE_ERROR, 'GOAWAY is shorter than 8 bytes');
    const lastId = reader.bytes.readUInt32BE(reader.start) & 0x7fffffff;
    connection.ending.peerGoesAway(lastId, reader.bytes.readUInt32BE(reader.start + 4));
  }
}
