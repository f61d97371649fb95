/** An application that speaks HTTP/2 with prior knowledge, cheaply: the same for all contenders. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { start, type Started } from '../peers/process.ts';
import { tool } from './run.ts';

/** Answered with 100 bytes. */
export const H2_PATH = '/100';
/** Answered as a unary gRPC call is: one message, then a trailer with the status. */
export const GRPC_PATH = '/bench.Echo/Unary.grpc';

/** A gRPC message as it goes over HTTP/2: not compressed, then its length. */
export function grpcFrame(size: number): Buffer {
  const frame = Buffer.alloc(5 + size, 1);
  frame[0] = 0;
  frame.writeUInt32BE(size, 1);
  return frame;
}

export interface NghttpdOptions {
  dir: string;
  port: number;
  /** Answers with trailers. */
  grpc: boolean;
}

export async function nghttpd({ dir, port, grpc }: NghttpdOptions): Promise<Started> {
  const root = join(dir, `nghttpd-${port}`);
  await mkdir(join(root, 'bench.Echo'), { recursive: true });
  await writeFile(join(root, H2_PATH), 'x'.repeat(100));
  await writeFile(join(root, GRPC_PATH), grpcFrame(100));
  await writeFile(join(root, 'mime.types'), 'application/grpc grpc\n');
  const trailers = grpc ? ['--trailer', 'grpc-status: 0', '--no-content-length'] : [];
  return start({
    command: tool('nghttpd'),
    args: ['--no-tls', '-a', '127.0.0.1', '-d', root, '-m', '1000', '--mime-types-file', join(root, 'mime.types'), ...trailers, String(port)], // prettier-ignore
    port,
  });
}
