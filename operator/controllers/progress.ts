/** How long each generation of a resource took to reach all proxies, from when the leader first saw it. */

interface Way {
  readonly uid: string;
  readonly generation: number;
  /** Absent where this leader found it as it is. */
  readonly seenAt: number | undefined;
  /** When a proxy last said something of it. */
  heardAt: number;
  /** Complete since then: what comes later is another story. */
  tookMs?: number;
}

export interface Generation {
  readonly uid?: string | undefined;
  readonly generation?: number | undefined;
}

export class Progress {
  readonly #monotonic: () => number;
  readonly #ways = new Map<string, Way>();

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** There is this generation now. `isNews`: since just now. */
  see(key: string, { uid = '', generation = 0 }: Generation, isNews = true): void {
    const known = this.#ways.get(key);
    if (known?.uid === uid && known.generation === generation) return;
    const now = this.#monotonic();
    this.#ways.set(key, { uid, generation, seenAt: isNews ? now : undefined, heardAt: now });
  }

  forget(key: string): void {
    this.#ways.delete(key);
  }

  /** A proxy has another version of it in force. */
  heard(key: string): void {
    const way = this.#ways.get(key);
    if (way && way.tookMs === undefined) way.heardAt = this.#monotonic();
  }

  /** All proxies have this generation: how long it took, as text; undefined where its beginning was not seen. */
  complete(key: string, { uid, generation }: Generation): string | undefined {
    const way = this.#ways.get(key);
    if (way?.seenAt === undefined || way.uid !== uid || way.generation !== generation) return undefined;
    way.tookMs ??= way.heardAt - way.seenAt;
    return duration(way.tookMs);
  }
}

/** `84ms`, `1.3s`, `2m5s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
