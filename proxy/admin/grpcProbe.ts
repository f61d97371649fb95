/** The gRPC health check, version 1 (grpc.health.v1.Health/Check), over HTTP/2 without TLS, as kubelet makes it. */
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import type { ProberOptions, ProbeResult } from './probes.ts';

export interface GrpcTarget extends ProberOptions {
  port: number;
  service: string;
  signal: AbortSignal;
}

const STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const SERVING = 1;
/** An answer has a few bytes; more is no answer to this question. */
const MAX_ANSWER_BYTES = 4096;

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** HealthCheckRequest{service = 1} in a message frame without compression. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** Status of HealthCheckResponse{status = 1}; undefined where the bytes are none. */
export function decodeResponse(bytes: Buffer): number | undefined {
  if (bytes.length < 5 || bytes[0] !== 0) return undefined;
  const length = bytes.readUInt32BE(1);
  if (bytes.length < 5 + length) return undefined;
  const message = bytes.subarray(5, 5 + length);
  let status = 0;
  for (let at = 0; at < message.length;) {
    // one field, a varint of one byte: anything else is not of this message
    if (message[at] !== 0x08 || at + 1 >= message.length) return undefined;
    status = message[at + 1]!;
    if (status > 0x7f) return undefined;
    at += 2;
  }
  return status;
}

function resultOf(
  answer: Buffer,
  grpcStatus: string | undefined,
  grpcMessage: string | undefined,
): ProbeResult {
  if (grpcStatus !== '0')
    return { status: 503, message: `gRPC status ${grpcStatus ?? 'missing'} ${grpcMessage ?? ''}`.trim() };
  const status = decodeResponse(answer);
  const name = status === undefined ? 'no HealthCheckResponse' : (STATUS[status] ?? `status ${status}`);
  return { status: status === SERVING ? 200 : 503, message: name };
}

export function grpcProbe({ host, localAddress, port, service, signal }: GrpcTarget): Promise<ProbeResult> {
  const authority = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const session = connectHttp2(authority, {
    createConnection: () => connect({ host, port, ...(localAddress !== undefined && { localAddress }) }),
  });
  return new Promise<ProbeResult>((resolve, reject) => {
    session.on('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'kube-probe/weft',
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let headers: Record<string, unknown> = {};
    const keep = (more: object) => {
      headers = { ...headers, ...more };
    };
    stream.on('response', keep);
    stream.on('trailers', keep);
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) reject(new Error('the answer is too long'));
      else chunks.push(chunk);
    });
    stream.on('error', reject);
    stream.on('close', () => {
      const text = (name: string) => headers[name] as string | undefined;
      resolve(resultOf(Buffer.concat(chunks), text('grpc-status'), text('grpc-message')));
    });
    stream.end(encodeRequest(service));
  }).finally(() => session.destroy());
}
