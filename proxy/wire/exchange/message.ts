/**
 * What there is to know of a message whichever protocol it came in. The heads themselves stay in the form they came in:
 * between equal ends they pass untouched, and only where the ends differ is one translated (translate/).
 */

/** 10, 11: HTTP/1.x, a head as bytes (http1/). 20: HTTP/2, a head as fields (streams/). */
export type Version = 10 | 11 | 20;

export interface Request {
  readonly version: Version;
  /** What the application spoke: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`. */
  readonly protocolName: string;
  readonly method: string;
  /** Path and query, as policy sees it; '' for CONNECT. */
  readonly path: string;
  readonly authority: string;
  /** RFC 9110, 9.2.2. */
  readonly idempotent: boolean;
  /** -1: not told. */
  readonly contentLength: number;
  /** The body comes as chunks of HTTP/1.1, framing included. */
  readonly chunked: boolean;
  readonly expectContinue: boolean;
  readonly hasRequestId: boolean;
  readonly requestId: string;
  readonly traceparent: string;
  /** A refusal must be said as gRPC says it. */
  readonly grpc: boolean;
  /** The application itself spoke HTTP/2, and so will the server that it means. */
  readonly http2: boolean;
  /** Asks for another protocol, and may get it. */
  readonly upgrading: boolean;
}

export interface Response {
  readonly version: Version;
  readonly status: number;
  /** The body comes as chunks of HTTP/1.1, framing included. */
  readonly chunked: boolean;
  /** Why a proxy answered in place of the application (x-weft-reason); '' where none did. */
  readonly reason: string;
  /** A proxy says that the application never saw the request (x-weft-unprocessed). */
  readonly unprocessed: boolean;
}

/** Names and values in turn; names in lower case. */
export type FieldList = readonly string[];
export const NO_FIELDS: FieldList = [];
