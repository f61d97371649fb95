/**
 * A replica that has just become leader knows nothing of the proxies until they have reconnected. In that time it must
 * not take APPLIED back: what the former leader wrote of this generation still holds.
 */
import type { ProxyState } from '../status/proxies.ts';

export const SETTLE_MS = 15_000;

/** Milliseconds to keep a status of this generation as it is; 0: compute it now. */
export function settling(
  proxies: readonly ProxyState[],
  at: { sameGeneration: boolean; sinceLeadingMs: number },
): number {
  if (!at.sameGeneration || at.sinceLeadingMs >= SETTLE_MS) return 0;
  return proxies.some(({ silent }) => silent) ? SETTLE_MS - at.sinceLeadingMs : 0;
}
