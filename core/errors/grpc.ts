/** Codes as gRPC clients understand them (gRPC: Status codes; HTTP to gRPC status; HTTP/2, Responses). */
import { codes } from './codes.ts';
import type { Code } from './index.ts';

const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;

const BY_CODE: Partial<Record<Code, number>> = { OVERLOADED: RESOURCE_EXHAUSTED };
const BY_STATUS: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: 16,
  403: PERMISSION_DENIED,
  404: 12,
  408: DEADLINE_EXCEEDED,
  429: UNAVAILABLE,
  431: RESOURCE_EXHAUSTED,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: DEADLINE_EXCEEDED,
  508: INTERNAL,
};

/** The gRPC status of a refusal; 2, UNKNOWN, where HTTP says nothing of use. */
export function grpcStatusOf(code: Code): number {
  const { status = 0 } = codes[code] as { status?: number };
  return BY_CODE[code] ?? BY_STATUS[status] ?? 2;
}

/** Percent-encodes what may not stand in `grpc-message`. */
export function grpcMessage(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : percent(byte),
    )
    .join('');
}

const percent = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
