/** Which endpoint a request goes to. */

/** What a policy sees of an endpoint. */
export interface Candidate {
  /** Requests and connections that it has of us. */
  readonly active: number;
  /** No more are allowed. */
  readonly full: boolean;
  /** performance.now() until which it should be avoided, after a failed connection; 0: in order. */
  readonly downUntil: number;
}

export interface Balancer {
  /** One of the candidates that is not among `tried`; undefined where there is none. */
  pick<T extends Candidate>(candidates: readonly T[], tried: readonly T[]): T | undefined;
}

/** Up to this many all are compared: two random ones out of a few are often both the busier. */
const SCAN = 8;

/**
 * Least request: the one with the fewest running. Of many, the better of two random ones (Mitzenmacher, The power of
 * two choices), which needs no order and does not herd. Endpoints that could not be reached come last, never never.
 */
export function leastRequest(
  random: () => number = Math.random,
  now: () => number = performance.now.bind(performance),
): Balancer {
  const better = <T extends Candidate>(a: T | undefined, b: T, time: number): T => {
    if (a === undefined) return b;
    const aDown = a.downUntil > time;
    const bDown = b.downUntil > time;
    if (aDown !== bDown) return aDown ? b : a;
    if (aDown && a.downUntil !== b.downUntil) return a.downUntil < b.downUntil ? a : b;
    return b.active < a.active ? b : a;
  };

  const scan = <T extends Candidate>(candidates: readonly T[], tried: readonly T[]): T | undefined => {
    const count = candidates.length;
    // a random start, so that equals are chosen equally often
    const start = Math.floor(random() * count);
    const time = now();
    let best: T | undefined;
    for (let step = 0; step < count; step++) {
      const candidate = candidates[(start + step) % count]!;
      if (!candidate.full && !tried.includes(candidate)) best = better(best, candidate, time);
    }
    return best;
  };

  return {
    pick(candidates, tried) {
      const count = candidates.length;
      if (count === 0) return undefined;
      if (count <= SCAN || tried.length > 0) return scan(candidates, tried);
      const first = candidates[Math.floor(random() * count)]!;
      const second = candidates[Math.floor(random() * count)]!;
      const chosen = better(first, second, now());
      return chosen.full || chosen.downUntil > 0 ? scan(candidates, tried) : chosen;
    },
  };
}
