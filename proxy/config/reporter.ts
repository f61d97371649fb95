/**
 * Tells the operator what is in force here: on each change, after each connect, and now and then, so that a new leader
 * hears of every proxy. Nothing else waits for it: with the operator away the proxy works on.
 */
import type { ReportAnswer } from '../../core/control/index.ts';
import type { Address, IdentityState, Live, Log } from '../context.ts';
import { Backoff } from './backoff.ts';
import { openSession, type ControlSession, type SessionOptions } from './controlSession.ts';

export interface ReporterOptions {
  address: Address;
  identity: Live<IdentityState>;
  operatorId: string;
  /** JSON of the report as of now. */
  report: () => string;
  log: Log;
  random?: () => number;
  backoff?: { minMs: number; maxMs: number };
  /** How often the same is told again, in ms. */
  repeatMs?: number;
  open?: (options: SessionOptions) => Promise<ControlSession>;
}

export interface ReporterState {
  connected: boolean;
  peer: string | null;
  reports: number;
  refused: number;
  /** The last thing that went wrong; null once a report was taken. */
  problem: string | null;
}

export interface Reporter {
  /** Something may have changed; many calls make one report. */
  changed(): void;
  readonly state: Readonly<ReporterState>;
  stop(): void;
}

const COALESCE_MS = 20;
const MAX_REDIRECTS = 3;

class OperatorReporter implements Reporter {
  readonly state: ReporterState = { connected: false, peer: null, reports: 0, refused: 0, problem: null };
  readonly #options: ReporterOptions;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #unsubscribe: () => void;
  #session: ControlSession | undefined;
  /** Where the leader said to be; undefined: the service's name. */
  #leader: Address | undefined;
  #redirects = 0;
  #busy = false;
  #dirty = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff({
      ...(options.backoff ?? { minMs: 200, maxMs: 15_000 }),
      random: this.#random,
    });
    this.#unsubscribe = options.identity.subscribe(() => this.#renew());
    this.changed();
  }

  changed(): void {
    this.#dirty = true;
    this.#schedule(COALESCE_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    clearTimeout(this.#timer);
    this.#close();
  }

  /** Brings the next round forward to `ms` from now; rounds that run already are not disturbed. */
  #schedule(ms: number): void {
    if (this.#stopped || this.#busy) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#round(), ms);
    this.#timer.unref();
  }

  /** The session was opened with the certificate before: the operator is to see the one in use. */
  #renew(): void {
    this.#close();
    this.changed();
  }

  async #round(): Promise<void> {
    this.#busy = true;
    let pause: number;
    try {
      pause = await this.#tell();
    } catch (error) {
      this.#failed((error as Error).message);
      this.#close();
      this.#leader = undefined;
      pause = this.#backoff.next();
    }
    this.#busy = false;
    this.#schedule(pause);
  }

  /** One report, on the session that is open or a new one. Gives the pause until the next. */
  async #tell(): Promise<number> {
    const { identity, report } = this.#options;
    const current = identity.current;
    // the first certificate wakes us up
    if (!current) return this.#repeat();
    const session = this.#session ?? (await this.#connect(current));
    this.#dirty = false;
    const answer = await session.post(report());
    if (answer.ok) return this.#taken();
    return this.#refused(answer);
  }

  #taken(): number {
    this.state.reports += 1;
    this.state.problem = null;
    this.#redirects = 0;
    this.#backoff.reset();
    return this.#dirty ? COALESCE_MS : this.#repeat();
  }

  #refused({ code, message, leader }: Extract<ReportAnswer, { ok: false }>): number {
    this.state.refused += 1;
    const address = code === 'NOT_LEADER' && leader !== undefined ? parseLeader(leader) : undefined;
    if (code === 'NOT_LEADER') this.#close();
    if (address && this.#redirects < MAX_REDIRECTS) {
      this.#redirects += 1;
      this.#leader = address;
      return 0;
    }
    this.#redirects = 0;
    this.#leader = undefined;
    this.#failed(`${code}: ${message}`);
    return this.#backoff.next();
  }

  async #connect(identity: IdentityState): Promise<ControlSession> {
    const { address, operatorId, open = openSession } = this.#options;
    const session: ControlSession = await open({
      address: this.#leader ?? address,
      identity,
      operatorId,
      random: this.#random,
      onEnd: () => this.#ended(session),
    });
    this.#session = session;
    this.state.connected = true;
    this.state.peer = session.peer;
    this.#options.log.debug({ peer: session.peer }, 'connected to the operator');
    return session;
  }

  /** Ends the session on our own account: nothing follows from its end. */
  #close(): void {
    const session = this.#session;
    this.#session = undefined;
    this.state.connected = false;
    this.state.peer = null;
    session?.close();
  }

  /** The other side ended the session, or the network did. */
  #ended(session: ControlSession): void {
    if (this.#session !== session) return;
    this.#close();
    this.#leader = undefined;
    this.#dirty = true;
    this.#schedule(this.#backoff.next());
  }

  #failed(problem: string): void {
    if (problem !== this.state.problem)
      this.#options.log.warn(
        { problem },
        'the operator did not take the report; traffic does not depend on it',
      );
    this.state.problem = problem;
  }

  #repeat(): number {
    const { repeatMs = 60_000 } = this.#options;
    return repeatMs * (0.75 + this.#random() / 2);
  }
}

function parseLeader(text: string): Address | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  return match && port > 0 && port < 65_536 ? { host: match[1]!.replace(/^\[|\]$/g, ''), port } : undefined;
}

/** Starts reporting; never throws and never keeps the process running by itself. */
export const startReporter = (options: ReporterOptions): Reporter => new OperatorReporter(options);
