import type { Demand } from '../context.ts';
import type { FromWorker } from './messages.ts';

/** A worker's calls for services that only the directory knows: the main thread asks for all workers. */
export class RemoteDemand implements Demand {
  readonly #tell: (message: FromWorker) => void;
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  constructor(tell: (message: FromWorker) => void) {
    this.#tell = tell;
  }

  /** The main thread knows whether there is something to wait for, and answers at once where there is not. */
  want(service: string): Promise<void> {
    let waiting = this.#waiting.get(service);
    if (!waiting) {
      this.#waiting.set(service, (waiting = Promise.withResolvers<void>()));
      this.#tell({ type: 'want', service });
    }
    return waiting.promise;
  }

  settled(service: string): void {
    this.#waiting.get(service)?.resolve();
    this.#waiting.delete(service);
  }
}
