/** Apart from the schemas, which need a library to be made: a proxy needs these alone. docs/stream.md says how they are used. */
export const CONTROL_VERSION = 'weft.dev/control/v1';
/** `POST` of a proxy, over HTTP/2 and mTLS: its body and the response's are streams of messages, one JSON text a line. */
export const STREAM_PATH = '/weft.control.v1/stream';
/** `POST` of a replica to the leader: what its proxies told it, one JSON text a line. */
export const FORWARD_PATH = '/weft.control.v1/forward';

/** Longest message of a proxy, in bytes, its first one with the hashes of all that it has included. */
export const MAX_PROXY_MESSAGE_BYTES = 1024 * 1024;
/** Longest message of the operator: a document, a directory and what surrounds them. */
export const MAX_OPERATOR_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Services that one message may ask for. */
export const MAX_ASKED = 64;
/** Services of other namespaces that a workload may have in use. */
export const MAX_USED = 1000;
