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

export interface AsksOptions {
  /** workloadKey. */
  readonly workload: string;
  readonly source: ConfigSource;
  readonly clock: Clock;
}

export class Asks {
  readonly #options: AsksOptions;
  readonly #bucket: TokenBucket;
  #refusals = 0;
  #windowEnd = 0;

  constructor(options: AsksOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(ASK_RATE, options.clock);
  }

  /**
   * What becomes of each. Undefined where the workload has no document yet: the proxy does not wait for long.
   * Throws ASK_LIMIT where the proxy does not heed its refusals.
   */
  ask(services: readonly string[]): ReadonlyMap<string, AskOutcome> | undefined {
    const { source, workload } = this.#options;
    const limit = services.findIndex(() => !this.#bucket.tryTake());
    const permitted = limit === -1 ? services : services.slice(0, limit);
    const refused = services.slice(permitted.length);
    this.#count(refused.length);
    if (!source.document(workload)) return undefined;
    const answers = permitted.length > 0 ? source.use(workload, permitted) : new Map<string, AskOutcome>();
    return new Map([...answers, ...refused.map((service): [string, AskOutcome] => [service, 'ASK_LIMIT'])]);
  }

  #count(refused: number): void {
    const now = this.#options.clock.monotonic();
    if (now >= this.#windowEnd) [this.#refusals, this.#windowEnd] = [0, now + FLOOD_WINDOW_MS];
    this.#refusals += refused;
    if (this.#refusals < FLOOD) return;
    throw new WeftError('ASK_LIMIT', `${this.#refusals} services were asked for beyond the limit`, {
      resource: 'ask',
    });
  }
}
