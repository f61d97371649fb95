/** Just enough of HTTP/2 to hand blocks to another implementation's HPACK, and to take blocks from it. */
import type { Socket } from 'node:net';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const HEADERS = 1;
export const SETTINGS = 4;
/** END_STREAM and END_HEADERS of HEADERS. */
export const WHOLE = 5;
/** Of SETTINGS. */
export const ACK = 1;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

export function frame({ type, flags, stream, payload }: Frame): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** SETTINGS with SETTINGS_HEADER_TABLE_SIZE alone, or an acknowledgement where there is no size. */
export function settings(size?: number): Buffer {
  const payload = Buffer.alloc(size === undefined ? 0 : 6);
  if (size !== undefined) {
    payload.writeUInt16BE(1, 0);
    payload.writeUInt32BE(size, 2);
  }
  return frame({ type: SETTINGS, flags: size === undefined ? ACK : 0, stream: 0, payload });
}

/** SETTINGS_HEADER_TABLE_SIZE in the payload of SETTINGS; undefined where it is not there. */
export function tableSizeIn(payload: Buffer): number | undefined {
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === 1) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

/** Calls `take` with each frame that comes; `skip` bytes come before the first. */
export function readFrames(socket: Socket, skip: number, take: (frame: Frame) => void): void {
  let bytes = Buffer.alloc(0);
  let skipped = skip === 0;
  socket.on('data', (data: Buffer) => {
    bytes = Buffer.concat([bytes, data]);
    if (!skipped) {
      if (bytes.length < skip) return;
      bytes = bytes.subarray(skip);
      skipped = true;
    }
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const end = 9 + bytes.readUIntBE(0, 3);
      take({
        type: bytes[3]!,
        flags: bytes[4]!,
        stream: bytes.readUInt32BE(5),
        payload: bytes.subarray(9, end),
      });
      bytes = bytes.subarray(end);
    }
  });
}
