/** Frames made by hand and taken apart, without the code under test. */
import { FRAME_HEAD, PREFACE } from '../constants.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

const NAMES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
];

export function frame({ type, flags = 0, id = 0, payload = Buffer.alloc(0) }: Partial<Frame>): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type ?? 0;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

export const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
};

/** Of literals without indexing, and of such as must never be indexed (RFC 7541, 6.2.2 and 6.2.3). */
export const PASSING = 0;
export const NEVER = 0x10;

/** A header block of literals: it changes no table. */
export function block(fields: readonly string[], pattern: number = PASSING): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    parts.push(Buffer.from([pattern]), literal(fields[at]!), literal(fields[at + 1]!));
  }
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

export const headers = (id: number, fields: readonly string[], flags = 5): Buffer =>
  frame({ type: 1, flags, id, payload: block(fields) });
export const data = (id: number, content: string | Buffer, flags = 0): Buffer =>
  frame({ type: 0, flags, id, payload: Buffer.from(content) });
export const continuation = (id: number, payload: Buffer, flags = 0): Buffer =>
  frame({ type: 9, flags, id, payload });
export const priority = (id: number, dependsOn: number): Buffer =>
  frame({ type: 2, id, payload: Buffer.concat([u32(dependsOn), Buffer.from([15])]) });
export const reset = (id: number, errorCode: number): Buffer =>
  frame({ type: 3, id, payload: u32(errorCode) });
export const ping = (payload: Buffer = Buffer.from('12345678'), flags = 0): Buffer =>
  frame({ type: 6, flags, payload });
export const goaway = (lastId: number, errorCode = 0): Buffer =>
  frame({ type: 7, payload: u32(lastId, errorCode) });
export const windowUpdate = (id: number, increment: number): Buffer =>
  frame({ type: 8, id, payload: u32(increment) });
export const settings = (...pairs: [identifier: number, value: number][]): Buffer =>
  frame({
    type: 4,
    payload: Buffer.concat(
      pairs.map(([identifier, value]) => Buffer.concat([Buffer.from([0, identifier]), u32(value)])),
    ),
  });
export const settingsAck = frame({ type: 4, flags: 1 });

/** Takes whole frames apart; a client's preface is skipped. */
export function parse(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  let at = bytes.subarray(0, PREFACE.length).equals(PREFACE) ? PREFACE.length : 0;
  while (at < bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    const end = at + FRAME_HEAD + length;
    if (end > bytes.length) throw new Error('a frame was not written whole');
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      id: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + FRAME_HEAD, end),
    });
    at = end;
  }
  return frames;
}

/** `RST_STREAM 1 [0]`, `GOAWAY 0 [1,9]`, `DATA 1 5 END`, in short. */
export function describeFrame({ type, flags, id, payload }: Frame): string {
  const name = NAMES[type] ?? `type ${type}`;
  if (type === 0 || type === 1) return `${name} ${id} ${payload.length}${(flags & 1) !== 0 ? ' END' : ''}`;
  if (type === 3 || type === 8) return `${name} ${id} ${payload.readUInt32BE(0)}`;
  if (type === 7) return `${name} ${payload.readUInt32BE(0)} ${payload.readUInt32BE(4)}`;
  if (type === 4 || type === 6) return (flags & 1) !== 0 ? `${name} ACK` : name;
  return `${name} ${id}`;
}
