import { createHash } from 'node:crypto';
import type { Hash } from '../core/proxyConfig/index.ts';

/** The hash of every document and part, as the proxy computes it too. */
export const documentHash: Hash = (text) => createHash('sha256').update(text).digest('hex').slice(0, 32);
