/** Frames of RFC 6455, as much of it as a test needs: whole messages, masked or not, and control frames. */
import { randomBytes } from 'node:crypto';

export const opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  opcode: number;
  final: boolean;
  payload: Buffer;
}

const mask = (payload: Buffer, key: Buffer): Buffer => {
  const masked = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i += 1) masked[i] = payload[i]! ^ key[i & 3]!;
  return masked;
};

/** A frame with FIN set; clients mask, servers do not (5.1). */
export function encode(code: number, payload: Buffer, masked: boolean): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | code;
  if (length < 126) head[1] = length;
  else if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  if (!masked) return Buffer.concat([head, payload]);
  head[1]! |= 0x80;
  const key = randomBytes(4);
  return Buffer.concat([head, key, mask(payload, key)]);
}

/** Close frame: code and reason (5.5.1). */
export const closing = (code: number, reason: string): Buffer => {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
};

/** Takes bytes as they come and gives whole frames. */
export class FrameReader {
  private parts: Buffer[] = [];
  private held = 0;
  private needed = 2;

  read(chunk: Buffer): Frame[] {
    this.parts.push(chunk);
    this.held += chunk.length;
    const frames: Frame[] = [];
    // joined only when a frame is whole, or a MiB in small pieces would be copied over and over
    while (this.held >= this.needed) {
      const bytes = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
      this.parts = [bytes];
      const found = this.parse(bytes);
      if (!found) continue;
      frames.push(found.frame);
      const rest = bytes.subarray(found.size);
      this.parts = [rest];
      this.held = rest.length;
      this.needed = 2;
    }
    return frames;
  }

  /** A frame with its size; or undefined, having learned how many bytes it needs. */
  private parse(bytes: Buffer): { frame: Frame; size: number } | undefined {
    const short = bytes[1]! & 0x7f;
    const masked = (bytes[1]! & 0x80) !== 0;
    const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (masked ? 4 : 0);
    this.needed = head;
    if (bytes.length < head) return undefined;
    const length =
      short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    this.needed = head + length;
    if (bytes.length < head + length) return undefined;
    const raw = bytes.subarray(head, head + length);
    const payload = masked ? mask(raw, bytes.subarray(head - 4, head)) : Buffer.from(raw);
    return {
      frame: { opcode: bytes[0]! & 0x0f, final: (bytes[0]! & 0x80) !== 0, payload },
      size: head + length,
    };
  }
}
