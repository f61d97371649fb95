/**
 * A replica that has just become leader knows nothing of the proxies until they have reconnected. In that time it must
 * not take APPLIED back: what the former leader wrote of this generation still holds.
 */
import type { ProxyState } from '../status/proxies.ts';

export const SETTLE_MS = 15_000;

export interface Written {
  readonly observedGeneration?: number;
  /** `2/3`. */
  readonly applied?: string;
}

/** Milliseconds to keep the status as it is; 0: compute it now. */
export function settling(
  proxies: readonly ProxyState[],
  at: { written: Written | undefined; generation: number; sinceLeadingMs: number },
): number {
  const { written, generation, sinceLeadingMs } = at;
  if (written?.observedGeneration !== generation || sinceLeadingMs >= SETTLE_MS) return 0;
  const before = Number(written.applied?.split('/')[0] ?? 0);
  const now = proxies.filter(({ applied }) => applied).length;
  return before > now && proxies.some(({ silent }) => silent) ? SETTLE_MS - sinceLeadingMs : 0;
}
