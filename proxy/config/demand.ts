/** Services that only the directory knows are asked for when an application calls them; a call waits a moment for that. */
import { MAX_ASKED, MAX_USED } from '../../core/control/protocol.ts';
import type { Demand } from '../context.ts';

/** How an ask ended. limited: it was not made, since there were too many. */
export const ASK_OUTCOMES = ['arrived', 'absent', 'late', 'lost', 'limited'] as const;
export type AskOutcome = (typeof ASK_OUTCOMES)[number];

export interface DemandOptions {
  connected: () => boolean;
  send: (services: string[]) => void;
  /** In ms; only differences count. */
  now?: () => number;
  /** How long a call waits, and how long is not asked again what does not come, in ms. */
  waitMs?: number;
  quietMs?: number;
}

interface Ask {
  readonly answer: PromiseWithResolvers<void>;
  readonly timer: NodeJS.Timeout;
  /** late: nobody waits for it until it has come, or is said not to. */
  state: 'waiting' | 'late' | 'absent';
  /** Not to be asked again before, where nobody waits. */
  quietUntil: number;
}

/** As the operator has it: what is beyond it would be refused. */
const BURST = 100;
const PER_SECOND = 20;
/** Services that are remembered to be absent. */
const MAX_KNOWN = 2000;

export class OnDemand implements Demand {
  readonly outcomes: Record<AskOutcome, number> = { arrived: 0, absent: 0, late: 0, lost: 0, limited: 0 };
  readonly #options: DemandOptions;
  readonly #now: () => number;
  readonly #asks = new Map<string, Ask>();
  /** Services that came because they were asked for: a file may not know of it yet. */
  readonly #granted = new Set<string>();
  #queue: string[] = [];
  #tokens = BURST;
  #filledAt: number;

  constructor(options: DemandOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#filledAt = this.#now();
  }

  get granted(): ReadonlySet<string> {
    return this.#granted;
  }

  want(service: string): Promise<void> | undefined {
    const known = this.#asks.get(service);
    if (known?.state === 'waiting') return known.answer.promise;
    if (known && this.#now() < known.quietUntil) return undefined;
    if (!this.#options.connected()) return undefined;
    if (!this.#allowed()) {
      this.outcomes.limited += 1;
      return undefined;
    }
    if (known?.state !== 'late') return this.#ask(service);
    // whoever answers that slowly keeps nobody waiting again
    this.#quiet(known, 'late');
    this.#enqueue(service);
    return undefined;
  }

  /** The document has other services than before. */
  arrived(services: { has(service: string): boolean }): void {
    for (const [service, ask] of this.#asks) {
      if (!services.has(service)) continue;
      if (this.#granted.size < MAX_USED) this.#granted.add(service);
      this.#settle(ask, 'arrived');
      this.#asks.delete(service);
    }
  }

  /** The operator says of these that they do not come. */
  absent(services: Iterable<string>): void {
    for (const service of services) {
      this.#granted.delete(service);
      const ask = this.#asks.get(service);
      if (!ask) continue;
      this.#settle(ask, 'absent');
      this.#quiet(ask, 'absent');
    }
  }

  /** What was asked for is answered by nobody. */
  disconnected(): void {
    this.#queue = [];
    for (const [service, ask] of this.#asks) {
      // what was asked of the one who is gone is asked of the next at once
      if (ask.state === 'late') ask.quietUntil = 0;
      if (ask.state !== 'waiting') continue;
      this.#settle(ask, 'lost');
      this.#asks.delete(service);
    }
  }

  #ask(service: string): Promise<void> {
    const { waitMs = 1000 } = this.#options;
    const ask: Ask = {
      answer: Promise.withResolvers<void>(),
      timer: setTimeout(() => this.#late(ask), waitMs),
      state: 'waiting',
      quietUntil: 0,
    };
    ask.timer.unref();
    this.#forget();
    this.#asks.set(service, ask);
    this.#enqueue(service);
    return ask.answer.promise;
  }

  /** Calls of the same moment are asked for together. */
  #enqueue(service: string): void {
    if (this.#queue.push(service) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (let start = 0; start < queue.length; start += MAX_ASKED)
      this.#options.send(queue.slice(start, start + MAX_ASKED));
  }

  /** The call goes on without it. */
  #late(ask: Ask): void {
    this.#settle(ask, 'late');
    this.#quiet(ask, 'late');
  }

  #quiet(ask: Ask, state: 'late' | 'absent'): void {
    ask.state = state;
    ask.quietUntil = this.#now() + (this.#options.quietMs ?? 30_000);
  }

  /** Each is counted once, as what those who waited heard. */
  #settle(ask: Ask, outcome: AskOutcome): void {
    if (ask.state !== 'waiting') return;
    this.outcomes[outcome] += 1;
    clearTimeout(ask.timer);
    ask.answer.resolve();
  }

  /** Makes room for one more: those that are waited for are few. */
  #forget(): void {
    if (this.#asks.size < MAX_KNOWN) return;
    for (const [service, { state }] of this.#asks) {
      if (state === 'waiting') continue;
      this.#asks.delete(service);
      return;
    }
  }

  #allowed(): boolean {
    const now = this.#now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) / 1000) * PER_SECOND);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
