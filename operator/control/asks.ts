/** A proxy's asks for services that its document does not hold: limited, and answered by what its workload may have. */
import { WeftError, type Code } from '../../core/errors/index.ts';
import { TokenBucket, type Clock } from '../../kube/index.ts';
import type { ConfigSource } from './types.ts';

/** Services that one connection may ask for. */
export const ASK_RATE = { burst: 100, perSecond: 20 };
/** A proxy that goes on asking in spite of this many refusals within FLOOD_WINDOW_MS is cut off. */
export const FLOOD = 1_000;
const FLOOD_WINDOW_MS = 60_000;

export type AskOutcome = 'Available' | Code;

/** What one connection may ask for, whatever streams it carries. */
export class AskBudget {
  readonly #bucket: TokenBucket;
  readonly #clock: Clock;
  #refusals = 0;
  #windowEnd = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(ASK_RATE, clock);
  }

  /** How many of them may be asked for now. Throws ASK_LIMIT where the proxy does not heed its refusals. */
  take(services: number): number {
    let permitted = 0;
    while (permitted < services && this.#bucket.tryTake()) permitted += 1;
    this.#count(services - permitted);
    return permitted;
  }

  #count(refused: number): void {
    const now = this.#clock.monotonic();
    if (now >= this.#windowEnd) [this.#refusals, this.#windowEnd] = [0, now + FLOOD_WINDOW_MS];
    this.#refusals += refused;
    if (this.#refusals < FLOOD) return;
    throw new WeftError('ASK_LIMIT', `${this.#refusals} services were asked for beyond the limit`, {
      resource: 'ask',
    });
  }
}

export interface AsksOptions {
  /** workloadKey. */
  readonly workload: string;
  readonly source: ConfigSource;
  readonly budget: AskBudget;
}

export class Asks {
  readonly #options: AsksOptions;

  constructor(options: AsksOptions) {
    this.#options = options;
  }

  /**
   * What becomes of each. Undefined where the workload has no document yet: the proxy does not wait for long.
   * Throws ASK_LIMIT where the proxy does not heed its refusals.
   */
  ask(services: readonly string[]): ReadonlyMap<string, AskOutcome> | undefined {
    const { source, workload, budget } = this.#options;
    const permitted = services.slice(0, budget.take(services.length));
    const refused = services.slice(permitted.length);
    if (!source.document(workload)) return undefined;
    const answers = permitted.length > 0 ? source.use(workload, permitted) : new Map<string, AskOutcome>();
    return new Map([...answers, ...refused.map((service): [string, AskOutcome] => [service, 'ASK_LIMIT'])]);
  }
}
