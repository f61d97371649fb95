/** Apart from the schemas, which need a library to be made: a proxy needs these alone. */
export const CONTROL_VERSION = 'weft.dev/control/v1';
/** `POST` with a Report as JSON over HTTP/2 and mTLS; answered by a ReportAnswer. */
export const REPORT_PATH = '/weft.control.v1/report';
/** Largest report that the operator reads, in bytes. */
export const MAX_REPORT_BYTES = 256 * 1024;
