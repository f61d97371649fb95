/** What orders documents, and what is known of the one in force. */
import { createHash } from 'node:crypto';
import { WeftError } from '../../core/errors/index.ts';
import { compareRevision } from '../../core/proxyConfig/canonical.ts';

export interface Position {
  readonly epoch: number;
  readonly revision: string;
  readonly hash: string;
}

/** By which way something came into force. */
export type Source = 'file' | 'stream';

export const documentHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 32);

/** A position, and by which way it was said. */
export interface Placed {
  readonly position: Position;
  readonly source: Source;
}

/** What `next`, which comes by one way, is to what is in force and came by another. */
export type Order = 'news' | 'same' | 'passed';

/**
 * Says of a document whether it is to be taken. `passed`: a file that the stream has overtaken, as happens all the time;
 * one that says something else at the same position is no newer either, since the stream knows of later calls. Throws
 * DOCUMENT_STALE where it should not have come: a late document never undoes a newer one.
 */
export function orderOf({ position, source }: Placed, inForce: Placed | undefined, resource: string): Order {
  if (!inForce) return 'news';
  const newer = compareRevision(position, inForce.position);
  if (position.hash === inForce.position.hash) return newer > 0 ? 'news' : 'same';
  if (source === 'file' && inForce.source === 'stream') return newer > 0 ? 'news' : 'passed';
  if (newer >= 0) return 'news';
  const { epoch, revision } = inForce.position;
  throw new WeftError(
    'DOCUMENT_STALE',
    `revision ${position.epoch}/${position.revision} is older than ${epoch}/${revision}, which is in force`,
    { resource, field: 'revision' },
  );
}
