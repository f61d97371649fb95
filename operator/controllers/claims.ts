/**
 * What others say of the order of a document, and how much of it counts. Proxies and stamps are in the hands of
 * workloads and of whoever may write ConfigMaps: what they claim must neither use the epochs up nor keep files back.
 */
import { compareRevision } from '../../core/proxyConfig/index.ts';
import type { Position } from '../control/types.ts';
import { EPOCH_LEAD, isPlausible, MAX_EPOCH } from '../sinks/stamp.ts';
import type { ExistingDocument } from '../sinks/types.ts';
import { laterOf, nextPosition, type InForce, type Placed, type Places } from './order.ts';

/** Of one document, so often an epoch is given because of what proxies claim. */
export const RAISE_INTERVAL_MS = 60_000;

/** False where a place in the order is claimed that no operator ever gave, or that none could exceed. */
export const isPossible = ({ epoch, revision }: Position): boolean =>
  epoch >= 1 && epoch < MAX_EPOCH && /^[0-9]{1,24}$/.test(revision);

/** Without a stamp that no operator wrote after what was `last` seen. */
export function believed(
  existing: ExistingDocument | undefined,
  last: Placed | undefined,
): ExistingDocument | undefined {
  if (!existing?.stamp || !last || isPlausible(existing.stamp.epoch, last.epoch)) return existing;
  const { stamp: _stamp, ...rest } = existing;
  return rest;
}

/** With those claims that count now. `heldMs`: until all of them do. */
export function heed(
  places: Places,
  { raisedAt = -Infinity, now }: { raisedAt: number | undefined; now: number },
): { places: Places; heldMs: number } {
  const ours = { epoch: knownEpoch(places), revision: places.revision };
  const possible = places.inForce.filter(({ epoch }) => epoch < ours.epoch + EPOCH_LEAD);
  const heldMs = Math.max(0, raisedAt + RAISE_INTERVAL_MS - now);
  if (heldMs === 0) return { places: { ...places, inForce: possible }, heldMs };
  const inForce = possible.filter((one) => !asksForEpoch(one, ours, places.hash));
  return { places: { ...places, inForce }, heldMs: inForce.length < possible.length ? heldMs : 0 };
}

/** It is given only because of what proxies claim. */
export const isRaised = (position: Position, places: Places): boolean =>
  position.epoch > nextPosition({ ...places, inForce: [] }, undefined).epoch;

const knownEpoch = ({ stamp, last }: Places): number => laterOf(stamp, last)?.epoch ?? 1;

function asksForEpoch(one: InForce, ours: Position, hash: string): boolean {
  const order = compareRevision(one, ours);
  return order > 0 || (order === 0 && one.hash !== hash);
}
