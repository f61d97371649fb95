/** How a refusal is said in gRPC: a status and a message (grpc/grpc, doc/statuscodes.md and doc/PROTOCOL-HTTP2.md). */
import { codes } from './codes.ts';
import type { Code } from './index.ts';

export const grpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** Where gRPC has a better word than its table for HTTP gives. Clients take UNAVAILABLE for "try again". */
const own: Partial<Record<Code, number>> = {
  // PERMISSION_DENIED is only for callers that are known
  MTLS_REQUIRED: grpcStatus.UNAUTHENTICATED,
  IDENTITY_REFUSED: grpcStatus.UNAUTHENTICATED,
  HEADERS_TOO_LARGE: grpcStatus.RESOURCE_EXHAUSTED,
  // not UNAVAILABLE: to try again at once is what an overloaded proxy needs least
  OVERLOADED: grpcStatus.RESOURCE_EXHAUSTED,
  REQUEST_TIMEOUT: grpcStatus.DEADLINE_EXCEEDED,
  // once a call was sent it may have been processed; one that found no connection was not, and stays UNAVAILABLE
  UPSTREAM_TIMEOUT: grpcStatus.DEADLINE_EXCEEDED,
  UPSTREAM_PROTOCOL_ERROR: grpcStatus.INTERNAL,
  LOOP_DETECTED: grpcStatus.INTERNAL,
  CLIENT_CLOSED: grpcStatus.CANCELLED,
};

/** What a gRPC client makes of an HTTP status without `grpc-status` (doc/http-grpc-status-mapping.md). */
const ofHttp: Readonly<Record<number, number>> = {
  400: grpcStatus.INTERNAL,
  401: grpcStatus.UNAUTHENTICATED,
  403: grpcStatus.PERMISSION_DENIED,
  404: grpcStatus.UNIMPLEMENTED,
  429: grpcStatus.UNAVAILABLE,
  502: grpcStatus.UNAVAILABLE,
  503: grpcStatus.UNAVAILABLE,
  504: grpcStatus.UNAVAILABLE,
};

/** The value of `grpc-status`, 1 to 16, for a request that was refused or failed with this code. */
export const grpcStatusOf = (code: Code): number =>
  own[code] ?? ofHttp[codes[code].status] ?? grpcStatus.UNKNOWN;

/** The value of `grpc-message`: UTF-8, percent-encoded but for printable ASCII without `%`. Never throws. */
export const grpcMessage = (text: string): string =>
  text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
