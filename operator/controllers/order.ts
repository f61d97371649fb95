/** Where a file stands in the order of its document: after all that any proxy may have seen of it. Pure. */
import { compareRevision } from '../../core/proxyConfig/index.ts';
import type { Position } from '../control/types.ts';
import { MAX_EPOCH } from '../sinks/stamp.ts';

/** A document at its place. */
export interface Placed extends Position {
  readonly hash: string;
}

/** What a proxy has in force. */
export interface InForce extends Placed {
  /** It gets what is newer by a stream; else only by the file. */
  readonly streamed: boolean;
}

export interface Places {
  /** Of the content that is wanted. */
  readonly hash: string;
  /** Of what is compiled now. */
  readonly revision: string;
  /** In place. */
  readonly stamp: Placed | undefined;
  /** The newest that was ever seen in place. */
  readonly last: Placed | undefined;
  readonly inForce: readonly InForce[];
}

export const laterOf = (a: Placed | undefined, b: Placed | undefined): Placed | undefined => {
  if (!a || !b) return a ?? b;
  return compareRevision(a, b) >= 0 ? a : b;
};

const seen = ({ last, inForce }: Places): Placed[] => (last ? [last, ...inForce] : [...inForce]);

const epochOf = (places: Places): number => Math.max(1, ...seen(places).map(({ epoch }) => epoch));

/** The highest revision of this epoch that is beyond ours: a watch that lags, or a cluster restored from a backup. */
export function ahead(places: Places): string | undefined {
  const epoch = epochOf(places);
  let highest = BigInt(places.revision);
  for (const place of seen(places)) {
    if (place.epoch === epoch && BigInt(place.revision) > highest) highest = BigInt(place.revision);
  }
  return highest > BigInt(places.revision) ? highest.toString() : undefined;
}

/**
 * What is in place says what is wanted, and yet proxies would not take it, since something newer was there:
 *
 *   Order   for all of them: a leader wrote that did not know what the former one had written last, or revisions
 *           began anew (`restarted`), so that no stream brings anything either
 *   Proxy   for one that has only the file, and runs something else that came later by its stream
 *
 * A proxy with a stream is newer than the file all the time: that alone is no reason.
 */
export type Overtaken = 'Order' | 'Proxy' | undefined;

export function overtakenBy(places: Places, restarted: boolean): Overtaken {
  const { hash, revision, stamp, last, inForce } = places;
  if (!stamp) return last !== undefined || inForce.length > 0 ? 'Order' : undefined;
  if (last && compareRevision(last, stamp) > 0) return 'Order';
  let found: Overtaken;
  for (const one of inForce) {
    if (one.epoch > stamp.epoch) return 'Order';
    if (one.hash === hash || compareRevision(one, stamp) < 0) continue;
    if (restarted && BigInt(one.revision) > BigInt(revision)) return 'Order';
    if (!one.streamed) found = 'Proxy';
  }
  return found;
}

/** Where the next file stands. */
export function nextPosition(places: Places, overtaken: Overtaken): Position {
  const { hash, revision, stamp } = places;
  const epoch = epochOf(places);
  const next = { epoch, revision };
  const isFree = seen(places).every((place) => {
    const order = compareRevision(place, next);
    return order < 0 || (order === 0 && place.hash === hash);
  });
  if (isFree) return next;
  const repairs = !overtaken && stamp?.hash === hash;
  return repairs
    ? { epoch: stamp.epoch, revision: stamp.revision }
    : { epoch: Math.min(epoch + 1, MAX_EPOCH), revision };
}
