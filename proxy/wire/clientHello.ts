/** Reads what a TLS client says first, before anything is terminated: which host, which protocols (RFC 8446, 4.1.2). */
import { bound } from './bounds.ts';

export interface ClientHello {
  /** Host that the client asks for (RFC 6066, 3), lower case; undefined where it names none, or none that is valid. */
  readonly serverName: string | undefined;
  /** Protocols that it offers (RFC 7301), best first; none where it is malformed. */
  readonly protocols: readonly string[];
}

const HANDSHAKE_RECORD = 0x16;
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

/**
 * What bytes that start as TLS are. more: not all of the first message is there. tls: TLS that begins with no
 * ClientHello that could be read, because it is another message, or past a bound. tcp: no TLS after all.
 */
export function readClientHello(bytes: Buffer): ClientHello | 'more' | 'tls' | 'tcp' {
  if (!startsAsTls(bytes)) return bytes.length === 0 ? 'more' : 'tcp';
  if (bytes.length >= 2 && bytes[1] !== 3) return 'tcp';
  if (bytes.length >= 3 && bytes[2]! > 4) return 'tcp';
  const hello = handshakeBytes(bytes);
  if (hello === 'tcp') return 'tcp';
  if (hello.length >= 1 && hello[0] !== CLIENT_HELLO) return 'tls';
  if (hello.length < 4) return 'more';
  const length = hello.readUIntBE(1, 3);
  if (length > bound.sniffBytes) return 'tls';
  if (hello.length < 4 + length) return bytes.length > bound.sniffBytes ? 'tls' : 'more';
  return parse(hello.subarray(4, 4 + length));
}

/**
 * What the handshake records so far hold, up to the end of the first message: what comes after it changes nothing.
 * A ClientHello may be spread over several records (RFC 8446, 5.1).
 */
function handshakeBytes(bytes: Buffer): Buffer | 'tcp' {
  let message: Buffer = bytes.subarray(0, 0);
  let at = 0;
  for (let records = 1; at + 5 <= bytes.length && bytes[at] === HANDSHAKE_RECORD; records++) {
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_RECORD || records > bound.helloRecords) return 'tcp';
    const part = bytes.subarray(at + 5, Math.min(bytes.length, at + 5 + length));
    message = message.length === 0 ? part : Buffer.concat([message, part]);
    if (message.length >= 4 && message.length >= 4 + message.readUIntBE(1, 3)) break;
    at += 5 + length;
  }
  return message;
}

/** The extensions, which end the message; undefined where the fields before them do not fit. */
function extensionsOf(hello: Buffer): Buffer | undefined {
  // version, random
  let at = 34;
  const skip = (size: number): boolean => {
    if (at + size > hello.length) return false;
    const length = hello.readUIntBE(at, size);
    at += size + length;
    return at <= hello.length;
  };
  // session id, cipher suites, compression methods
  if (!skip(1) || !skip(2) || !skip(1) || at + 2 > hello.length) return undefined;
  return at + 2 + hello.readUInt16BE(at) === hello.length ? hello.subarray(at + 2) : undefined;
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

function parse(hello: Buffer): ClientHello {
  const extensions = byType(extensionsOf(hello) ?? NONE);
  return {
    serverName: hostName(extensions?.get(SERVER_NAME_EXTENSION) ?? NONE),
    protocols: protocolNames(extensions?.get(ALPN_EXTENSION) ?? NONE),
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
