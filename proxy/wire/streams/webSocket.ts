/**
 * The handshake of WebSocket where one end speaks HTTP/1.1 and the other HTTP/2 (RFC 6455, 4; RFC 8441, 5). HTTP/2 has no
 * key: for a server of HTTP/1.1 one is made up, and to a client of HTTP/1.1 its own is answered.
 */
import { createHash, randomBytes } from 'node:crypto';

const WEBSOCKET = 'websocket';
/** RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The line that a server of HTTP/1.1 expects of a request that came without it; '' where it needs none. */
export function keyLine(protocol: string, hasKey: boolean): string {
  if (protocol.toLowerCase() !== WEBSOCKET || hasKey) return '';
  return `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`;
}

/** The line by which a server of HTTP/1.1 proves that it understood; '' where there is nothing to prove. */
export function acceptLine(protocol: string, key: string): string {
  if (protocol.toLowerCase() !== WEBSOCKET || key === '') return '';
  return `Sec-WebSocket-Accept: ${createHash('sha1')
    .update(key + GUID)
    .digest('base64')}\r\n`;
}

/** Value of a field in a flat list; '' where it is not there. */
export function valueOf(fields: readonly string[], name: string): string {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1]!;
  return '';
}
