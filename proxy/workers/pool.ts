/**
 * Several threads that serve. Each has its own event loop, heap, connections and counters, and listens at the same ports:
 * the kernel deals connections out. The main thread reads files, judges them, and answers for all.
 */
import { Backoff } from '../config/backoff.ts';
import { changeOf } from '../config/state.ts';
import type { ConfigStore } from '../config/store.ts';
import type { Address, ConfigState, Demand, Drain, Log } from '../context.ts';
import type { Serving, ServingStats, Sides, SideStats, WorkerStats } from '../serving.ts';
import { gaugeFamily, type Family } from '../telemetry/exposition.ts';
import type { WriteSome } from '../telemetry/lineWriter.ts';
import { mergeExpositions, mergeTotals } from '../telemetry/merge.ts';
import { Handle, type Thread } from './handle.ts';
import type { OutputFd, ToWorker, WorkerData } from './messages.ts';

export interface PoolOptions {
  count: number;
  /** Starts a worker, which runs `runWorker`. */
  spawn: (data: WorkerData) => Thread;
  data: Omit<WorkerData, 'worker' | 'draining'>;
  store: Pick<ConfigStore, 'config' | 'identity' | 'identitySource'>;
  output: Readonly<Record<OutputFd, WriteSome>>;
  drain: Drain;
  log: Log;
  /** Asks for the services that workers want. */
  demand?: Demand | undefined;
  /** How long a worker's answer is waited for, in ms. */
  askMs?: number;
  random?: () => number;
}

const ASK_MS = 1000;
const BACKOFF = { minMs: 100, maxMs: 15_000 };
/** One that served so long and ends is started again at once. */
const STEADY_MS = 60_000;
/** A worker goes on so long without what it wanted and did not come before it says so again. */
const QUIET_MS = 1000;
/** Time after that of the drain for what a worker still writes. */
const END_MARGIN_MS = 2000;

interface Slot {
  readonly worker: number;
  readonly backoff: Backoff;
  handle: Handle | undefined;
}

const configMessage = (before: ConfigState | undefined, after: ConfigState): ToWorker => ({
  type: 'config',
  change: changeOf(before, after),
});

export class WorkerPool implements Serving {
  addresses: Sides<readonly Address[]> = { inbound: [], outbound: [] };
  restarts = 0;
  readonly #options: PoolOptions;
  readonly #slots: readonly Slot[];
  /** What workers counted that are gone. */
  #gone = '';
  #stopping = false;
  /** What all workers were told. */
  #told: ConfigState | undefined;
  #settled: { resolve: () => void; reject: (reason: Error) => void } | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { count, random = Math.random } = options;
    this.#slots = Array.from({ length: count }, (_, index) => ({
      worker: index + 1,
      backoff: new Backoff({ ...BACKOFF, random }),
      handle: undefined,
    }));
  }

  /** Resolves when the first worker serves; rejects where one ends before that. */
  start(): Promise<void> {
    const { store, drain } = this.#options;
    const serving = new Promise<void>((resolve, reject) => (this.#settled = { resolve, reject }));
    this.#told = store.config.current;
    store.config.subscribe((state) => {
      this.#tellAll(configMessage(this.#told, state));
      this.#told = state;
    });
    store.identity.subscribe(() => this.#tellAll({ type: 'identity', source: store.identitySource! }));
    drain.onDrain(() => this.#tellAll({ type: 'drain' }));
    for (const slot of this.#slots) this.#spawn(slot);
    return serving;
  }

  get threads(): { serving: number; wanted: number } {
    const serving = this.#slots.filter(({ handle }) => handle?.serving).length;
    return { serving, wanted: this.#slots.length };
  }

  async stats(): Promise<ServingStats> {
    const workers = await Promise.all(this.#slots.map(statsOf));
    return { inbound: sum(workers, 'inbound'), outbound: sum(workers, 'outbound'), workers };
  }

  async metrics(own: string): Promise<string> {
    await Promise.all(this.#handles.map((handle) => handle.refreshMetrics()));
    return mergeExpositions([own, ...this.#handles.map(({ metrics }) => metrics), this.#gone]);
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#tellAll({ type: 'stop', timeoutMs });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs + END_MARGIN_MS)));
    await Promise.race([Promise.all(this.#handles.map(({ stopped }) => stopped)), late]);
    clearTimeout(timer);
  }

  get #handles(): Handle[] {
    return this.#slots.flatMap(({ handle }) => handle ?? []);
  }

  #tellAll(message: ToWorker): void {
    for (const handle of this.#handles) handle.tell(message);
  }

  #spawn(slot: Slot): void {
    const { spawn, data, store, output, drain, askMs = ASK_MS } = this.#options;
    const handle = new Handle({
      worker: spawn({ ...data, worker: slot.worker, draining: drain.draining }),
      output,
      askMs,
      onServing: (addresses) => {
        this.addresses = addresses;
        this.#settled!.resolve();
      },
      onWant: (service) => void this.#want(handle, service),
      onEnd: (reason) => this.#ended(slot, handle, reason),
    });
    slot.handle = handle;
    if (this.#told) handle.tell(configMessage(undefined, this.#told));
    if (store.identitySource) handle.tell({ type: 'identity', source: store.identitySource });
  }

  async #want(handle: Handle, service: string): Promise<void> {
    const { demand, store } = this.#options;
    const isHeld = () => store.config.current?.services.has(service) === true;
    // it may have come while the worker said so: the configuration with it was told before
    if (!isHeld()) await demand?.want(service);
    handle.tell({ type: 'settled', service, quietMs: isHeld() ? 0 : QUIET_MS });
  }

  #ended(slot: Slot, { since, metrics }: Handle, error: Error): void {
    slot.handle = undefined;
    this.#gone = mergeTotals([this.#gone, metrics]);
    if (this.#stopping) return;
    this.#settled!.reject(error);
    if (performance.now() - since >= STEADY_MS) slot.backoff.reset();
    const pauseMs = Math.round(slot.backoff.next());
    const { worker } = slot;
    this.#options.log.error(
      { worker, error, pauseMs },
      'a worker ended with its connections; another follows',
    );
    setTimeout(() => {
      if (this.#stopping) return;
      this.restarts += 1;
      this.#spawn(slot);
    }, pauseMs);
  }
}

async function statsOf({ worker, handle }: Slot): Promise<WorkerStats> {
  const answer = await handle?.ask('stats');
  return { worker, serving: handle?.serving ?? false, answered: answer !== undefined, ...answer };
}

function sum(workers: readonly WorkerStats[], side: keyof Sides<SideStats>): SideStats {
  const all = { connections: 0, requests: 0 };
  for (const { [side]: stats } of workers) {
    all.connections += stats?.connections ?? 0;
    all.requests += stats?.requests ?? 0;
  }
  return all;
}

/** Metrics of the workers as such. */
export const workerFamilies = (pool: Pick<WorkerPool, 'threads' | 'restarts'>): Family[] => [
  gaugeFamily({
    name: 'weft_workers_serving',
    help: 'Workers that serve.',
    read: () => [['', pool.threads.serving]],
  }),
  gaugeFamily({
    name: 'weft_worker_restarts_total',
    help: 'Workers that were started in the place of one that had ended.',
    type: 'counter',
    read: () => [['', pool.restarts]],
  }),
];
