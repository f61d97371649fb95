import type { Demand } from '../context.ts';
import type { FromWorker, ToWorker } from './messages.ts';

type Settled = Extract<ToWorker, { type: 'settled' }>;

/** A little longer than the main thread waits for the operator: one that is busy keeps no call waiting. */
const WAIT_MS = 1200;
/** Services that are remembered. */
const MAX_KNOWN = 2000;

interface Wanted {
  readonly answer: PromiseWithResolvers<void>;
  readonly timer: NodeJS.Timeout;
  /** late: the main thread has not answered, and will: nobody waits for it. quiet: it has. */
  state: 'waiting' | 'late' | 'quiet';
  quietUntil: number;
}

/** A worker's calls for services that only the directory knows: the main thread asks for all workers. */
export class RemoteDemand implements Demand {
  readonly #tell: (message: FromWorker) => void;
  readonly #wanted = new Map<string, Wanted>();

  constructor(tell: (message: FromWorker) => void) {
    this.#tell = tell;
  }

  /** The main thread knows whether there is something to wait for, and answers at once where there is not. */
  want(service: string): Promise<void> | undefined {
    const known = this.#wanted.get(service);
    if (known?.state === 'waiting') return known.answer.promise;
    if (known?.state === 'late') return undefined;
    if (known && performance.now() < known.quietUntil) return undefined;
    return this.#want(service);
  }

  settled({ service, quietMs }: Omit<Settled, 'type'>): void {
    const known = this.#wanted.get(service);
    if (!known) return;
    clearTimeout(known.timer);
    known.answer.resolve();
    known.state = 'quiet';
    known.quietUntil = performance.now() + quietMs;
    if (quietMs === 0) this.#wanted.delete(service);
  }

  #want(service: string): Promise<void> {
    const wanted: Wanted = {
      answer: Promise.withResolvers<void>(),
      timer: setTimeout(() => {
        wanted.state = 'late';
        wanted.answer.resolve();
      }, WAIT_MS),
      state: 'waiting',
      quietUntil: 0,
    };
    wanted.timer.unref();
    this.#wanted.delete(service);
    this.#forget();
    this.#wanted.set(service, wanted);
    this.#tell({ type: 'want', service });
    return wanted.answer.promise;
  }

  /** Makes room for one more: those that are waited for are few. */
  #forget(): void {
    if (this.#wanted.size < MAX_KNOWN) return;
    for (const [service, { state }] of this.#wanted) {
      if (state === 'waiting') continue;
      this.#wanted.delete(service);
      return;
    }
  }
}
