/** Makes a ClientHello (RFC 8446, 4.1.2) to begin a search with. */
export interface HelloOptions {
  protocols?: string[];
  serverName?: string;
  /** Largest record that it is spread over. */
  recordBytes?: number;
}

const sized = (bytes: number, content: Buffer): Buffer => {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
};
const extension = (type: number, content: Buffer) =>
  Buffer.concat([Buffer.from([type >> 8, type & 0xff]), sized(2, content)]);

export function clientHello({ protocols, serverName, recordBytes = 16_384 }: HelloOptions): Buffer {
  const names = (protocols ?? []).map((name) => sized(1, Buffer.from(name, 'latin1')));
  const extensions = [
    ...(serverName === undefined
      ? []
      : [extension(0, sized(2, Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(serverName))])))]),
    extension(43, sized(1, Buffer.from([3, 4]))),
    ...(protocols ? [extension(16, sized(2, Buffer.concat(names)))] : []),
  ];
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([0x13, 1])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.from([1]), sized(3, body)]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    records.push(Buffer.from([0x16, 3, 1]), sized(2, message.subarray(at, at + recordBytes)));
  }
  return Buffer.concat(records);
}
