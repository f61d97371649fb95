/**
 * Pings, spread evenly over time: one timer for all connections, which are looked at in turn.
 *
 *   ping ──► answered by the next turn ─► ping …
 *      └───► not: unresponsive ─► answered: responsive again, ping …
 *                      └─ for endMs: silent
 */
import type { Clock } from '../../kube/index.ts';

export interface Pinged {
  /** Sends a ping; calls back when it is answered. */
  ping(answered: () => void): void;
  /** Once each turn. */
  onTurn(): void;
  onResponsive(responsive: boolean): void;
  /** It has been unresponsive for as long as it may be. */
  onSilent(): void;
  /** One of these threw; the others have their turn. */
  onFailed(error: unknown): void;
}

export interface LivenessOptions {
  readonly clock: Clock;
  /** Time between two pings of a connection, ms. */
  readonly everyMs: number;
  /** An unresponsive connection ends after this, ms. */
  readonly endMs: number;
}

interface Entry {
  readonly peer: Pinged;
  /** Monotonic; undefined where nothing is waited for. */
  pingedAt: number | undefined;
  responsive: boolean;
}

const SLOTS = 40;

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Entry>());
  #size = 0;
  #next = 0;
  #cancel: (() => void) | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  /** Returns the way out. */
  add(peer: Pinged): () => void {
    const entry: Entry = { peer, pingedAt: undefined, responsive: true };
    const slot = this.#emptiest();
    slot.add(entry);
    this.#size += 1;
    this.#cancel ??= this.#after();
    return () => {
      if (!slot.delete(entry)) return;
      this.#size -= 1;
      if (this.#size > 0) return;
      this.#cancel?.();
      this.#cancel = undefined;
    };
  }

  #emptiest(): Set<Entry> {
    return this.#slots.reduce((least, slot) => (slot.size < least.size ? slot : least));
  }

  #after(): () => void {
    return this.#options.clock.after(this.#options.everyMs / SLOTS, () => this.#turn());
  }

  #turn(): void {
    const slot = this.#slots[this.#next]!;
    this.#next = (this.#next + 1) % SLOTS;
    this.#cancel = this.#after();
    for (const entry of slot) {
      try {
        this.#look(entry);
      } catch (error) {
        entry.peer.onFailed(error);
      }
    }
  }

  #look(entry: Entry): void {
    const { clock, endMs } = this.#options;
    const now = clock.monotonic();
    entry.peer.onTurn();
    if (entry.pingedAt === undefined) {
      entry.pingedAt = now;
      entry.peer.ping(() => this.#answered(entry));
    } else if (entry.responsive) {
      entry.responsive = false;
      entry.peer.onResponsive(false);
    } else if (now - entry.pingedAt >= endMs) {
      entry.peer.onSilent();
    }
  }

  #answered(entry: Entry): void {
    entry.pingedAt = undefined;
    if (entry.responsive) return;
    entry.responsive = true;
    entry.peer.onResponsive(true);
  }
}
