/** Ends of HTTP/2 connections that are played frame by frame over real sockets. */
import type { Socket } from 'node:net';
import { FRAME_HEAD, PREFACE } from '../wire/http2/constants.ts';
import { parse, settings, settingsAck, type Frame } from '../wire/http2/testing/frames.ts';
import type { TestMeshOfTwo } from './mesh.ts';
import { Client, until } from './sockets.ts';

const HEADERS = 1;

/** The whole frames among these bytes. */
function framesIn(bytes: Buffer): Frame[] {
  let at = bytes.subarray(0, PREFACE.length).equals(PREFACE) ? PREFACE.length : 0;
  for (;;) {
    const end = at + FRAME_HEAD + (bytes.length < at + FRAME_HEAD ? Infinity : bytes.readUIntBE(at, 3));
    if (end > bytes.length) return parse(bytes.subarray(0, at));
    at = end;
  }
}

/** Header blocks, and in order of their frames. */
export const blocksOf = (frames: readonly Frame[]): Buffer[] =>
  frames.filter(({ type }) => type === HEADERS).map(({ payload }) => payload);

export class RawClient {
  private readonly client: Client;

  /** Connects, and says what a client says first. */
  constructor(port: number) {
    this.client = new Client(port);
    this.send(PREFACE, settings(), settingsAck);
  }

  send(...frames: Buffer[]): void {
    this.client.socket.write(Buffer.concat(frames));
  }

  /** Frames that came so far, once they are as they should be. */
  async until(condition: (frames: Frame[]) => boolean, what: string): Promise<Frame[]> {
    let frames: Frame[] = [];
    await until(() => {
      frames = framesIn(Buffer.from(this.client.received, 'latin1'));
      return condition(frames);
    }, what);
    return frames;
  }

  close(): void {
    this.client.socket.destroy();
  }
}

/** An application whose answers are frames; `heard` is told all frames of a connection each time bytes come. */
export async function rawApplication(
  mesh: TestMeshOfTwo,
  heard: (frames: Frame[], send: (...frames: Buffer[]) => void) => void,
): Promise<number> {
  return mesh.bytes((socket: Socket) => {
    let received = Buffer.alloc(0);
    const send = (...frames: Buffer[]) => void socket.write(Buffer.concat(frames));
    send(settings(), settingsAck);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      heard(framesIn(received), send);
    });
  });
}
