/** How a document lies in a ConfigMap: as text or, where it is long, compressed. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Hash } from '../../core/proxyConfig/index.ts';

/** Longer texts are compressed: a ConfigMap holds 1 MiB, and each copy in API server, kubelet and node costs memory. */
export const COMPRESS_BYTES = 256 * 1024;

export type FileData = string | Uint8Array;

export interface Packed {
  /** With `.gz` where it is compressed. */
  readonly file: string;
  readonly data: FileData;
  readonly bytes: number;
}

const compress = promisify(gzip);

export async function packed(file: string, text: string): Promise<Packed> {
  const bytes = Buffer.byteLength(text);
  if (bytes <= COMPRESS_BYTES) return { file, data: text, bytes };
  const data = await compress(text);
  return { file: `${file}.gz`, data, bytes: data.byteLength };
}

/** As the API writes binary data. */
export const base64 = (data: Uint8Array): string => Buffer.from(data).toString('base64');

/** Of what is stored, so that it can be compared with what the API shows. */
export const textHash = (data: FileData, hash: Hash): string =>
  hash(typeof data === 'string' ? data : base64(data));
