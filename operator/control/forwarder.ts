/**
 * On a replica that does not lead: tells the leader what proxies say here. First all that is known, then what changes,
 * of each proxy only the newest; when leadership moves, all of it to the new leader.
 */
import type { Logger } from 'pino';
import { backoffMs, type Clock } from '../../kube/index.ts';
import { openForward, type ForwardConnection, type ForwardIdentity } from './forwardConnection.ts';
import { Pending } from './pending.ts';
import type { ReportRegistry } from './reports.ts';
import type { Leadership } from './types.ts';

export interface ForwarderOptions {
  readonly reports: ReportRegistry;
  readonly leadership: () => Leadership;
  /** Undefined until there is one. */
  readonly identity: () => ForwardIdentity | undefined;
  /** workloadKeys of the proxies that are connected here. */
  readonly workloads: () => Iterable<string>;
  readonly used: (workload: string) => ReadonlySet<string>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

const LOOK_MS = 500;
const RETRY = { baseMs: 500, maxMs: 5_000 };
/** Bytes that are handed to the connection at a time. */
const BATCH_BYTES = 256 * 1024;

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #pending: Pending;
  readonly #unsubscribe: () => void;
  #connection: ForwardConnection | undefined;
  /** The leader that is connected, or tried. */
  #address: string | undefined;
  #writing = false;
  #scheduled = false;
  #failures = 0;
  #dropped = 0;
  #retryAt = 0;
  #stopped = false;
  #cancel = (): void => undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const { reports, used } = options;
    this.#pending = new Pending({ reports, used, onTooLong: ({ type }) => this.#drop(type) });
    this.#unsubscribe = reports.onChange(({ pod }) => this.#due(() => this.#pending.proxy(pod.uid)));
  }

  start(): void {
    this.#look();
  }

  /** `address:port` of the leader that is told; undefined where none is. */
  get leader(): string | undefined {
    return this.#connection?.isOpen ? this.#address : undefined;
  }

  /** The workload has come to use more services. */
  used(workload: string): void {
    this.#due(() => this.#pending.workload(workload));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#unsubscribe();
    this.#connection?.close();
  }

  /** Messages that were too long for the leader. */
  get dropped(): number {
    return this.#dropped;
  }

  #drop(type: string): void {
    this.#dropped += 1;
    if (this.#dropped > 1) return;
    this.#options.log.warn({ type }, 'what a proxy said is too long to tell the leader; said once');
  }

  /** Follows the lease. */
  #look(): void {
    const { clock, leadership } = this.#options;
    this.#cancel = clock.after(LOOK_MS, () => this.#look());
    const { leading, address } = leadership();
    const wanted = leading ? undefined : address;
    if (wanted !== this.#address) {
      this.#connection?.close();
      [this.#connection, this.#address, this.#failures, this.#retryAt] = [undefined, wanted, 0, 0];
    }
    if (wanted !== undefined && !this.#connection && clock.monotonic() >= this.#retryAt) this.#open(wanted);
  }

  #open(address: string): void {
    const { identity, workloads, reports, log } = this.#options;
    const own = identity();
    if (!own) return;
    const connection = openForward({
      address,
      identity: own,
      onOpen: () => {
        this.#failures = 0;
        log.debug({ leader: address }, 'tells the leader what proxies say');
        this.#write();
      },
      onClosed: (reason) => {
        if (this.#connection !== connection) return;
        this.#connection = undefined;
        this.#failures += 1;
        const { clock, random } = this.#options;
        this.#retryAt = clock.monotonic() + backoffMs(RETRY, this.#failures, random);
        if (!this.#stopped) log.info({ leader: address, reason }, 'the leader cannot be told; tried again');
      },
    });
    this.#connection = connection;
    this.#writing = false;
    this.#pending.all(
      Array.from(reports.entries(), ([uid]) => uid),
      workloads(),
    );
  }

  /** What happens in one turn goes out together. Without a connection nothing is noted: a new one is told all. */
  #due(note: () => void): void {
    if (!this.#connection) return;
    note();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#write();
    });
  }

  #write(): void {
    const connection = this.#connection;
    if (this.#writing || !connection?.isOpen) return;
    const batch = this.#pending.take(BATCH_BYTES);
    if (batch === '') return;
    this.#writing = true;
    connection.write(batch, () => {
      if (this.#connection !== connection) return;
      this.#writing = false;
      this.#write();
    });
  }
}
