/**
 * The proxy's end of the configuration stream (docs/stream.md): it says what it has, takes what differs, answers, and
 * asks for services that the application calls. Nothing else waits for it: with the operator away the proxy works on.
 */
import type { OperatorMessage, Report, StateMessage } from '../../core/control/index.ts';
import { MAX_PROXY_MESSAGE_BYTES, MAX_USED } from '../../core/control/protocol.ts';
import type { Address, ConfigState, IdentityState, Live, Log } from '../context.ts';
import { Backoff } from './backoff.ts';
import type { ConfigCore } from './core.ts';
import { OnDemand, type AskOutcome } from './demand.ts';
import { openSession, type SessionEnd, type SessionOptions, type StreamSession } from './streamSession.ts';

export interface StreamOptions {
  address: Address;
  identity: Live<IdentityState>;
  operatorId: string;
  core: ConfigCore;
  /** As of now. */
  report: () => Report;
  log: Log;
  random?: () => number;
  backoff?: { minMs: number; maxMs: number };
  /** Longest pause after an orderly end, in ms. */
  returnMs?: number;
  /** Longest pause before a stream is opened with a new certificate, in ms. */
  renewMs?: number;
  /** Shortest pause before what was refused is asked for again, in ms. */
  restateMs?: number;
  open?: (options: SessionOptions) => Promise<StreamSession>;
}

export interface StreamState {
  connected: boolean;
  peer: string | null;
  /** Connections that were taken. */
  connections: number;
  messages: Record<OperatorMessage['type'], number>;
  updates: { applied: number; refused: number };
  asks: Readonly<Record<AskOutcome, number>>;
  /** When the operator was heard of, RFC 3339. */
  lastContact: string | null;
  /** The last thing that went wrong; null once a stream is open again. */
  problem: string | null;
}

/** Changes of files come together. */
const COALESCE_MS = 20;
const RETURN_MS = 3_000;
/** Certificates of many proxies are renewed at once, where the root changes; the streams before work meanwhile. */
const RENEW_MS = 5_000;
const BACKOFF = { minMs: 500, maxMs: 15_000 };
/** An operator that restarts is back soon: for so long after a stream was lost, pauses are no longer than this. */
const SOON_MS = 15_000;
const SOON_PAUSE_MS = 3_000;
/** A stream that lasted so long was no failure. */
const STEADY_MS = 10_000;
/** What was refused is asked for again no sooner: it may come wrong again. */
const RESTATE_MS = 30_000;

export class StreamClient {
  readonly demand: OnDemand;
  readonly #options: StreamOptions;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #unsubscribe: (() => void)[];
  readonly #counted = {
    connections: 0,
    messages: { update: 0, directory: 0, absent: 0, error: 0 },
    updates: { applied: 0, refused: 0 },
  };
  /** The one in use; another may be opened beside it. */
  #session: StreamSession | undefined;
  /** Being opened: it has been told what we have. */
  #next: StreamSession | undefined;
  /** An attempt runs, or is about to. */
  #attempting = false;
  #retry: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;
  #restating: NodeJS.Timeout | undefined;
  #restatedAt = -Infinity;
  #steadyAt = Infinity;
  #lostAt = performance.now();
  #contactAt: number | undefined;
  #problem: string | null = null;
  /** Counts attempts: what one that was overtaken brings is not used. */
  #turn = 0;
  /** What the one being opened was told of. */
  #told: ConfigState | undefined;
  #stopped = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff({ ...(options.backoff ?? BACKOFF), random: this.#random, jitter: 1 });
    this.demand = new OnDemand({
      connected: () => this.#session !== undefined,
      send: (services) => this.#session?.send({ type: 'ask', services }),
    });
    this.#unsubscribe = [
      options.core.config.subscribe(({ services }) => this.demand.arrived(services)),
      // the stream was opened with the certificate before: the operator is to see the one in use
      options.identity.subscribe(() => this.#renewed()),
    ];
    this.#reconnect(0);
  }

  get state(): StreamState {
    return {
      connected: this.#session !== undefined,
      peer: this.#session?.peer ?? null,
      ...this.#counted,
      asks: this.demand.outcomes,
      lastContact: this.#contactAt === undefined ? null : new Date(this.#contactAt).toISOString(),
      problem: this.#problem,
    };
  }

  /** Files have changed what there is to tell; many calls make one message. */
  changed(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      for (const session of [this.#session, this.#next]) session?.send(this.#stateMessage());
    }, COALESCE_MS).unref();
  }

  stop(): void {
    this.#stopped = true;
    for (const stop of this.#unsubscribe) stop();
    clearTimeout(this.#retry);
    clearTimeout(this.#telling);
    clearTimeout(this.#restating);
    this.#next?.close();
    this.#session?.close();
    this.#session = undefined;
    this.demand.disconnected();
  }

  // ---- connections

  /** Opens a stream, in the place of the one that there may be, in `ms` at the latest. */
  #reconnect(ms: number): void {
    if (!this.#attempting || ms === 0) this.#open(ms);
  }

  #renewed(): void {
    const { renewMs = RENEW_MS } = this.#options;
    this.#open(this.#session ? this.#random() * renewMs : 0);
  }

  #open(ms: number): void {
    if (this.#stopped) return;
    this.#attempting = true;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#attempt(), ms).unref();
  }

  async #attempt(): Promise<void> {
    const { identity, address, operatorId, core, open = openSession } = this.#options;
    const { current } = identity;
    const turn = ++this.#turn;
    // the first certificate wakes us up
    if (!current) {
      this.#attempting = false;
      return;
    }
    try {
      const next = await open({
        address,
        identity: current,
        operatorId,
        random: this.#random,
        onOpen: (session) => this.#opened(session),
        onMessage: (session, message) => this.#heard(session, message),
        onContact: () => (this.#contactAt = Date.now()),
        onLeaving: (session) => {
          if (session === this.#session) this.#reconnect(this.#pauseAfter(true));
        },
        onEnd: (session, end) => this.#ended(session, end),
      });
      if (this.#stopped || turn !== this.#turn) return next.close();
      this.#next?.close();
      this.#next = next;
      this.#told = core.config.current;
      core.startOver();
      next.send(this.#stateMessage());
    } catch (error) {
      if (turn === this.#turn) this.#failed((error as Error).message, this.#pause());
    }
  }

  #opened(session: StreamSession): void {
    if (session !== this.#next) return;
    const before = this.#session;
    this.#session = session;
    this.#next = undefined;
    this.#attempting = false;
    // what the one before has brought since then is not known here
    if (before && this.#told !== this.#options.core.config.current) session.send(this.#stateMessage());
    before?.close();
    if (before) this.demand.disconnected();
    this.#counted.connections += 1;
    this.#problem = null;
    this.#steadyAt = performance.now() + STEADY_MS;
    this.#options.log.debug({ peer: session.peer }, 'connected to the operator');
  }

  #ended(session: StreamSession, { orderly, problem }: SessionEnd): void {
    const current = session === this.#session;
    if (!current && session !== this.#next) return;
    if (current) {
      this.#session = undefined;
      this.demand.disconnected();
      this.#lostAt = performance.now();
    } else this.#next = undefined;
    if (current && (this.#next || this.#attempting)) return;
    this.#failed(problem, current ? this.#pauseAfter(orderly) : this.#pause());
  }

  #failed(problem: string, pauseMs: number): void {
    if (this.#stopped) return;
    if (problem !== this.#problem)
      this.#options.log.warn({ problem }, 'no stream of the operator; traffic does not depend on it');
    this.#problem = problem;
    this.#attempting = false;
    this.#reconnect(pauseMs);
  }

  #pause(): number {
    const soon = performance.now() - this.#lostAt < SOON_MS;
    return this.#backoff.next(soon ? SOON_PAUSE_MS : undefined);
  }

  /** After a stream ended, or is about to: an orderly end is a failure all the same where the stream has just begun. */
  #pauseAfter(orderly: boolean): number {
    const steady = performance.now() > this.#steadyAt;
    this.#steadyAt = Infinity;
    if (steady) this.#backoff.reset();
    return orderly && steady ? this.#random() * (this.#options.returnMs ?? RETURN_MS) : this.#pause();
  }

  // ---- messages

  #heard(session: StreamSession, message: OperatorMessage): void {
    this.#counted.messages[message.type] += 1;
    const { core } = this.#options;
    const { lost } = core;
    switch (message.type) {
      case 'update': {
        const answer = core.update(message);
        this.#counted.updates[answer.type === 'ack' ? 'applied' : 'refused'] += 1;
        session.send(answer);
        if (answer.type === 'refusal' && core.lost.document) this.#restate(!lost.document);
        return;
      }
      case 'directory':
        if (!core.directory(message)) this.#restate(core.lost.directory && !lost.directory);
        return;
      case 'absent':
        return this.demand.absent(Object.keys(message.services));
      case 'error':
        // the end that follows says so, too
        return;
    }
  }

  /** Says again what is held, so that what was refused comes again: at once where that is news, else after a while. */
  #restate(news: boolean): void {
    const pauseMs = this.#restatedAt + (this.#options.restateMs ?? RESTATE_MS) - performance.now();
    if (!news && this.#restating) return;
    clearTimeout(this.#restating);
    const say = () => {
      this.#restating = undefined;
      this.#restatedAt = performance.now();
      this.#session?.send(this.#stateMessage());
    };
    if (news || pauseMs <= 0) say();
    else this.#restating = setTimeout(say, pauseMs).unref();
  }

  #stateMessage(): StateMessage {
    const { core, report } = this.#options;
    const used = new Set([...core.used(), ...this.demand.granted]);
    const state = { type: 'state', report: report(), used: [...used].slice(0, MAX_USED) } as const;
    const message = { ...state, has: core.has() };
    // a longer line ends the stream; so everything comes, which is what it would come to anyway
    if (Buffer.byteLength(JSON.stringify(message)) < MAX_PROXY_MESSAGE_BYTES) return message;
    return { ...state, has: { parts: {}, services: {} } };
  }
}
