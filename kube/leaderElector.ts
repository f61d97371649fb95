import { isAlreadyExists, isConflict } from './apiError.ts';
import type { CallOptions, KubeClient } from './client.ts';
import { sleep, systemClock, type Clock } from './clock.ts';
import { heldBy, holderOf, released } from './leaseRecord.ts';
import { resources, type Lease } from './resource.ts';

export interface LeaderElectorOptions {
  client: KubeClient;
  /** Of the Lease. */
  namespace: string;
  name: string;
  /** Unique for each candidate: `holderIdentity(pod, address)`. */
  identity: string;
  /** Leads until the signal aborts; what it answers is waited for before the lease is given away. */
  onStarted: (leading: AbortSignal) => void | Promise<void>;
  /** After leading has ended and `onStarted` has come back. */
  onStopped?: () => void;
  /** Whenever another holder is seen, oneself included; '' while nobody holds it. */
  onNewLeader?: (identity: string) => void;
  onError?: (error: Error) => void;
  /** A holder that did not renew for so long is taken for gone; default 15 s. */
  leaseDurationMs?: number;
  /** A leader that could not renew for so long stops leading; default 10 s. Less than leaseDurationMs, so that two never lead. */
  renewDeadlineMs?: number;
  /** Between attempts; default 2 s. */
  retryPeriodMs?: number;
  clock?: Clock;
  random?: () => number;
}

interface Term {
  abort: AbortController;
  /** What onStarted does. */
  work: Promise<void>;
}

/**
 * Leader election by a Lease (coordination.k8s.io/v1). Clocks of candidates are never compared: a lease has expired
 * when *we* have seen it unchanged for its duration. A leader counts from when it began to ask for its last renewal,
 * and has stopped before any other may begin.
 */
export class LeaderElector {
  readonly #options: Required<
    Pick<LeaderElectorOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>
  > &
    LeaderElectorOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  /** The lease as last seen, and when it was first seen like that. */
  #observed: { lease: Lease | undefined; at: number } | undefined;
  #leader: string | undefined;
  #term: Term | undefined;
  /** When the request began that renewed last. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** What we know of the lease may be wrong. */
  #mustLook = false;
  #cancelDeadline: () => void = () => undefined;

  constructor(options: LeaderElectorOptions) {
    this.#options = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000, ...options };
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#options;
    if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs && retryPeriodMs > 0)) {
      throw new RangeError('leaseDurationMs > renewDeadlineMs > retryPeriodMs > 0 is needed');
    }
  }

  /** True only while no other can lead. */
  get isLeader(): boolean {
    return this.#term !== undefined && !this.#term.abort.signal.aborted && this.#left() > 0;
  }

  /** holderIdentity of who leads as far as is known; undefined before the first look and while nobody does. */
  get leader(): string | undefined {
    return this.#leader || undefined;
  }

  /** Begins; answers itself. */
  start(): this {
    this.#running ??= this.#run();
    return this;
  }

  /** Stops leading, waits for the work to end, gives the lease away. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const held = await this.#tryHold();
      if (this.#term && (this.#term.abort.signal.aborted || this.#isTaken())) await this.#end();
      // Ending may have taken long: what was held before may have expired by now.
      if (held && !this.#term && this.#left() > 0 && !signal.aborted) this.#begin();
      await this.#wait();
    }
    if (this.#term) await this.#end();
    await this.#release();
  }

  /** Ms until we no longer count as holder. */
  #left(): number {
    return this.#renewedAt + this.#options.renewDeadlineMs - this.#clock.monotonic();
  }

  /** With jitter, so that candidates do not ask at the same time. */
  async #wait(): Promise<void> {
    const { retryPeriodMs } = this.#options;
    const pause = retryPeriodMs * (this.#term ? 1 : 1 + 0.2 * this.#random());
    await sleep(this.#clock, pause, this.#abort.signal);
  }

  #isTaken(): boolean {
    return this.#observed !== undefined && holderOf(this.#observed.lease) !== this.#options.identity;
  }

  #begin(): void {
    const abort = new AbortController();
    const work = (async () => {
      try {
        await this.#options.onStarted(abort.signal);
      } catch (error) {
        if (!abort.signal.aborted) this.#report(error);
      }
    })();
    this.#term = { abort, work };
    this.#armDeadline();
  }

  /** A timer of its own: neither a request that hangs nor anything else in the loop may prolong a term. */
  #armDeadline(): void {
    this.#cancelDeadline();
    const { abort } = this.#term ?? {};
    if (abort) this.#cancelDeadline = this.#clock.after(Math.max(0, this.#left()), () => abort.abort());
  }

  async #end(): Promise<void> {
    const term = this.#term!;
    this.#cancelDeadline();
    term.abort.abort();
    await term.work;
    this.#term = undefined;
    this.#options.onStopped?.();
  }

  /** One attempt to take or renew the lease; true when we hold it. */
  async #tryHold(): Promise<boolean> {
    const startedAt = this.#clock.monotonic();
    const { call, done } = this.#attempt();
    try {
      // Who leads writes over what it knows; only a failure makes it look again (as client-go does).
      if (!this.#term || this.#mustLook) this.#observe(await this.#look(call));
      const lease = this.#observed?.lease;
      if (lease && !this.#mayTake(lease)) return false;
      this.#observe(await this.#write(lease, call));
      this.#renewedAt = startedAt;
      this.#mustLook = false;
      this.#armDeadline();
      return true;
    } catch (error) {
      this.#mustLook = true;
      // Somebody was faster: that is how elections go.
      if (!isConflict(error) && !isAlreadyExists(error) && !this.#abort.signal.aborted) this.#report(error);
      return false;
    } finally {
      done();
      this.#announce();
    }
  }

  /** Bounds one attempt, so that there is time for another one before the deadline. */
  #attempt(): { call: CallOptions; done: () => void } {
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    const timeoutMs = this.#options.renewDeadlineMs / 2;
    const cancel = this.#clock.after(timeoutMs, stop);
    this.#abort.signal.addEventListener('abort', stop, { once: true });
    if (this.#abort.signal.aborted) stop();
    const done = (): void => {
      cancel();
      this.#abort.signal.removeEventListener('abort', stop);
    };
    return { call: { signal: abort.signal, timeoutMs, retries: 0 }, done };
  }

  #look(call: CallOptions): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    return client.find(resources.leases, { namespace, name }, call);
  }

  #write(lease: Lease | undefined, call: CallOptions): Promise<Lease> {
    const { client, namespace, name, identity, leaseDurationMs } = this.#options;
    const spec = heldBy(identity, { lease, leaseDurationMs, now: this.#clock.now() });
    if (lease) return client.update(resources.leases, { ...lease, spec }, call);
    return client.create(resources.leases, { metadata: { namespace, name }, spec }, call);
  }

  /** Its times say nothing to our clock: what counts is when we saw it change. */
  #observe(lease: Lease | undefined): void {
    const before = this.#observed;
    if (before && before.lease?.metadata.resourceVersion === lease?.metadata.resourceVersion) return;
    this.#observed = { lease, at: this.#clock.monotonic() };
  }

  #mayTake(lease: Lease): boolean {
    const holder = holderOf(lease);
    return holder === '' || holder === this.#options.identity || this.#isExpired(lease);
  }

  #isExpired(lease: Lease): boolean {
    const seconds = lease.spec?.leaseDurationSeconds;
    const durationMs = seconds === undefined ? this.#options.leaseDurationMs : seconds * 1000;
    return this.#clock.monotonic() - this.#observed!.at > durationMs;
  }

  #announce(): void {
    if (!this.#observed) return;
    const { lease } = this.#observed;
    const holder = lease && !this.#isExpired(lease) ? holderOf(lease) : '';
    if (holder === this.#leader) return;
    this.#leader = holder;
    this.#options.onNewLeader?.(holder);
  }

  async #release(): Promise<void> {
    const { client, identity, renewDeadlineMs } = this.#options;
    const call: CallOptions = { timeoutMs: renewDeadlineMs / 2, retries: 0 };
    try {
      const lease = await this.#look(call);
      if (!lease || holderOf(lease) !== identity) return;
      await client.update(resources.leases, { ...lease, spec: released(lease, this.#clock.now()) }, call);
    } catch (error) {
      // It expires by itself; the next leader only comes later.
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    this.#options.onError?.(error as Error);
  }
}
