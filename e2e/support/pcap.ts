/** Reads a packet capture (libpcap file format) as far as TCP payloads and the TLS version that a server chose. */

const MAGIC_LITTLE = 0xa1b2c3d4;
const LINKTYPE = { ethernet: 1, raw: 101, linuxSll: 113, linuxSll2: 276 } as const;
const ETHERTYPE_IPV4 = 0x0800;
const TCP = 6;

export interface Segment {
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  payload: Buffer;
}

/** Where the IP packet starts in a frame, by the link type of the capture. */
function networkOffset(frame: Buffer, linkType: number): number | undefined {
  if (linkType === LINKTYPE.raw) return 0;
  if (linkType === LINKTYPE.ethernet) return frame.readUInt16BE(12) === ETHERTYPE_IPV4 ? 14 : undefined;
  if (linkType === LINKTYPE.linuxSll) return frame.readUInt16BE(14) === ETHERTYPE_IPV4 ? 16 : undefined;
  if (linkType === LINKTYPE.linuxSll2) return frame.readUInt16BE(0) === ETHERTYPE_IPV4 ? 20 : undefined;
  throw new Error(`unknown link type ${linkType}`);
}

function segmentOf(packet: Buffer): Segment | undefined {
  if (packet.length < 20 || packet[0]! >> 4 !== 4 || packet[9] !== TCP) return undefined;
  const tcp = packet.subarray((packet[0]! & 0x0f) * 4, packet.readUInt16BE(2));
  if (tcp.length < 20) return undefined;
  return {
    source: packet.subarray(12, 16).join('.'),
    destination: packet.subarray(16, 20).join('.'),
    sourcePort: tcp.readUInt16BE(0),
    destinationPort: tcp.readUInt16BE(2),
    payload: tcp.subarray((tcp[12]! >> 4) * 4),
  };
}

/** TCP segments over IPv4, in the order of the capture; a last record that is cut off is left out. */
export function segmentsOf(capture: Buffer): Segment[] {
  if (capture.length < 24 || capture.readUInt32LE(0) !== MAGIC_LITTLE) throw new Error('not a capture');
  const linkType = capture.readUInt32LE(20) & 0xffff;
  const segments: Segment[] = [];
  for (let at = 24; at + 16 <= capture.length;) {
    const length = capture.readUInt32LE(at + 8);
    const frame = capture.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    if (frame.length < length || length < 34) continue;
    const offset = networkOffset(frame, linkType);
    const segment = offset === undefined ? undefined : segmentOf(frame.subarray(offset));
    if (segment) segments.push(segment);
  }
  return segments;
}

const HANDSHAKE = 22;
const SERVER_HELLO = 2;
const SUPPORTED_VERSIONS = 43;

/** The version that a ServerHello chose, such as 0x0304 for TLS 1.3 (RFC 8446, 4.1.3 and 4.2.1); else undefined. */
export function chosenTlsVersion(payload: Buffer): number | undefined {
  if (payload.length < 48 || payload[0] !== HANDSHAKE || payload[5] !== SERVER_HELLO) return undefined;
  let at = 9;
  const legacyVersion = payload.readUInt16BE(at);
  at += 2 + 32;
  // session id, cipher suite, compression method
  at += 1 + payload[at]! + 2 + 1;
  if (at + 2 > payload.length) return legacyVersion;
  const end = Math.min(payload.length, at + 2 + payload.readUInt16BE(at));
  at += 2;
  while (at + 4 <= end) {
    const type = payload.readUInt16BE(at);
    const length = payload.readUInt16BE(at + 2);
    if (type === SUPPORTED_VERSIONS && length === 2 && at + 6 <= end) return payload.readUInt16BE(at + 4);
    at += 4 + length;
  }
  return legacyVersion;
}

const PLAIN_HTTP = /HTTP\/1\.[01]|^(GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS) \//;

/** Whether bytes hold HTTP/1.x that anybody could read. */
export const showsHttp = (payload: Buffer): boolean => PLAIN_HTTP.test(payload.toString('latin1'));
