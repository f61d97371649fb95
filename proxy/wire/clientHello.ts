/** Reads what a TLS client says first, before anything is terminated: which host, which protocols (RFC 8446, 4.1.2). */
import { bound } from './bounds.ts';

export interface ClientHello {
  /** Host that the client asks for (RFC 6066, 3), lower case; undefined where it names none, or none that is valid. */
  readonly serverName: string | undefined;
  /** Protocols that it offers (RFC 7301), best first; none where their list is malformed. */
  readonly protocols: readonly string[];
  /** Bytes of the records that it came in. */
  readonly length: number;
}

/** Types of records: change_cipher_spec to application_data (RFC 8446, 5.1). */
const FIRST_RECORD = 20;
const HANDSHAKE_RECORD = 22;
const LAST_RECORD = 23;
const RECORD_HEAD = 5;
/** Type and length of a handshake message. */
const MESSAGE_HEAD = 4;
const CLIENT_HELLO = 1;
const SERVER_NAME_EXTENSION = 0;
const ALPN_EXTENSION = 16;
/** Longest record with what encryption may add (RFC 8446, 5.2). */
const MAX_RECORD = 16_640;
const MAX_NAME = 253;
const NONE = Buffer.alloc(0);
/** A name of DNS without a trailing dot, and no address: its last label is no number. Underscores are in use. */
const SERVER_NAME =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?![0-9]+$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

export const startsAsTls = (bytes: Buffer): boolean => bytes[0] === HANDSHAKE_RECORD;

/** What a client of TLS sends after its ClientHello starts so, as far as it is there. */
export const startsAsRecord = (bytes: Buffer): boolean =>
  bytes.length === 0 || (bytes[0]! >= FIRST_RECORD && bytes[0]! <= LAST_RECORD && (bytes[1] ?? 3) === 3);

/**
 * What bytes that start as TLS are. more: not all of the first message is there. tls: TLS that begins with no
 * ClientHello that could be read, because it is another message, malformed, or past a bound. tcp: no TLS after all.
 */
export function readClientHello(bytes: Buffer): ClientHello | 'more' | 'tls' | 'tcp' {
  const handshake = handshakeIn(bytes);
  if (handshake === undefined) return 'tcp';
  const { message, end } = handshake;
  if (message.length >= 1 && message[0] !== CLIENT_HELLO) return 'tls';
  const length = lengthOf(message);
  if (length === undefined) return 'more';
  if (length > bound.sniffBytes) return 'tls';
  if (message.length < length) return bytes.length > bound.sniffBytes ? 'tls' : 'more';
  // its last record ends with it: the client has nothing to add before it is answered
  if (message.length > length || end > bytes.length) return 'tls';
  return parse(message.subarray(MESSAGE_HEAD), end);
}

/** Where `more` was the answer: with how many bytes it can be another. So many small pieces cost no more than few. */
export function bytesToAskAgain(bytes: Buffer): number {
  const message = handshakeIn(bytes)?.message ?? NONE;
  return bytes.length + Math.max(1, (lengthOf(message) ?? 0) - message.length);
}

/**
 * What the handshake records so far hold, up to the one in which the first message ends, and where that record ends.
 * A ClientHello may be spread over several records, with no other between them (RFC 8446, 5.1).
 */
function handshakeIn(bytes: Buffer): { message: Buffer; end: number } | undefined {
  let message: Buffer = NONE;
  let at = 0;
  for (let records = 1; at < bytes.length; records++) {
    if (!startsHandshake(bytes, at) || records > bound.helloRecords) return undefined;
    if (at + RECORD_HEAD > bytes.length) break;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_RECORD) return undefined;
    const from = at + RECORD_HEAD;
    at = from + length;
    const part = bytes.subarray(from, at);
    message = message.length === 0 ? part : Buffer.concat([message, part]);
    if (message.length >= (lengthOf(message) ?? Number.POSITIVE_INFINITY)) break;
  }
  return { message, end: at };
}

const startsHandshake = (bytes: Buffer, at: number): boolean =>
  bytes[at] === HANDSHAKE_RECORD && (bytes[at + 1] ?? 3) === 3 && (bytes[at + 2] ?? 0) <= 4;

/** Of the first message with its head; undefined where it does not say so yet. */
const lengthOf = (message: Buffer): number | undefined =>
  message.length < MESSAGE_HEAD ? undefined : MESSAGE_HEAD + message.readUIntBE(1, 3);

/**
 * The extensions, which end the message, and which there are none of in some before TLS 1.3; undefined where the fields
 * do not fit.
 */
function extensionsOf(hello: Buffer): Buffer | undefined {
  if (hello[0] !== 3) return undefined;
  // version, random
  let at = 34;
  /** The length of a field that has `size` bytes for it; -1 where it does not fit. */
  const skip = (size: number): number => {
    if (at + size > hello.length) return -1;
    const length = hello.readUIntBE(at, size);
    at += size + length;
    return at <= hello.length ? length : -1;
  };
  const sessionId = skip(1);
  const cipherSuites = skip(2);
  const compressions = skip(1);
  if (sessionId < 0 || sessionId > 32 || compressions < 1) return undefined;
  if (cipherSuites < 2 || cipherSuites % 2 > 0) return undefined;
  if (at === hello.length) return NONE;
  const from = at + 2;
  return skip(2) >= 0 && at === hello.length ? hello.subarray(from) : undefined;
}

/** The content of extensions by their type; undefined where they do not fit or one comes twice (RFC 8446, 4.2). */
function byType(extensions: Buffer): Map<number, Buffer> | undefined {
  const found = new Map<number, Buffer>();
  let at = 0;
  while (at < extensions.length) {
    if (at + 4 > extensions.length) return undefined;
    const type = extensions.readUInt16BE(at);
    const next = at + 4 + extensions.readUInt16BE(at + 2);
    if (next > extensions.length || found.has(type)) return undefined;
    found.set(type, extensions.subarray(at + 4, next));
    at = next;
  }
  return found;
}

function parse(hello: Buffer, length: number): ClientHello | 'tls' {
  const fields = extensionsOf(hello);
  const extensions = fields && byType(fields);
  if (extensions === undefined) return 'tls';
  return {
    serverName: hostName(extensions.get(SERVER_NAME_EXTENSION) ?? NONE),
    protocols: protocolNames(extensions.get(ALPN_EXTENSION) ?? NONE),
    length,
  };
}

/** RFC 7301, 3.1. */
function protocolNames(extension: Buffer): string[] {
  const names: string[] = [];
  let at = 2;
  while (at < extension.length) {
    const length = extension[at]!;
    if (length === 0 || at + 1 + length > extension.length) return [];
    names.push(extension.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return names;
}

/** RFC 6066, 3: a list with one entry, of type host_name (0). */
function hostName(extension: Buffer): string | undefined {
  if (extension.length < 6 || extension[2] !== 0) return undefined;
  const length = extension.readUInt16BE(3);
  if (extension.readUInt16BE(0) !== extension.length - 2 || length !== extension.length - 5) return undefined;
  if (length > MAX_NAME) return undefined;
  const name = extension.toString('latin1', 5).toLowerCase();
  return SERVER_NAME.test(name) ? name : undefined;
}
