/** What tests of certificate controllers share: a clock that the test moves, and a stage with an API server double. */
import { randomBytes } from 'node:crypto';
import { repeatedKeys } from '../../certs/testing/pki.ts';
import type { Clock } from '../../kube/index.ts';
import { startApiServer, type ApiServer, type SeenRequest } from '../../kube/testing/apiServer.ts';
import { until } from '../../kube/testing/until.ts';
import type { AuthoritySource } from '../controllers/authority.ts';
import type { AuthorityState } from '../controllers/authoritySecret.ts';
import type { CertificateContext, Log } from '../controllers/certificateContext.ts';

export class ManualClock implements Clock {
  #now: number;
  #timers: { at: number; callback: () => void }[] = [];
  readonly #start: number;

  constructor(start = Date.now()) {
    this.#now = start;
    this.#start = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  /** Lets time pass; what became due is called in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }
}

export interface LogLine {
  readonly level: keyof Log;
  readonly fields: object;
  readonly message: string;
}

/** An AuthoritySource of which the test says what is current. */
export class GivenAuthority implements AuthoritySource {
  current: AuthorityState | undefined;
  readonly #listeners = new Set<(state: AuthorityState) => void>();

  constructor(state?: AuthorityState) {
    this.current = state;
  }

  set(state: AuthorityState): void {
    this.current = state;
    for (const listener of this.#listeners) listener(state);
  }

  subscribe(listener: (state: AuthorityState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export interface Stage extends CertificateContext {
  readonly server: ApiServer;
  readonly clock: ManualClock;
  readonly lines: LogLine[];
  /** Text of everything that was logged. */
  logged(): string;
  /** Waits as `until`, while `stepMs` (default a second) pass with each look: for what sleeps on the clock. */
  passing(what: string, condition: () => boolean, stepMs?: number): Promise<void>;
  /** Runs something that leads; resolves the way to end it, which also happens at the end of the stage. */
  leading(controller: { lead(signal: AbortSignal): Promise<void> }): () => Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly namespaces?: string[];
  readonly authorize?: (request: SeenRequest) => boolean;
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const server = await startApiServer(options);
  const clock = new ManualClock();
  const lines: LogLine[] = [];
  const ends = new Set<() => Promise<void>>();
  const write =
    (level: keyof Log) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields, message });
    };
  return {
    server,
    clock,
    client: server.client({ random: () => 0 }),
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    randomBytes: (size) => randomBytes(size),
    random: () => 0.5,
    generateKey: repeatedKeys(),
    lines,
    logged: () => lines.map(({ fields, message }) => `${message} ${textOf(fields)}`).join('\n'),
    passing: (what, condition, stepMs = 1_000) =>
      until(what, () => {
        clock.advance(stepMs);
        return condition();
      }),
    leading(controller) {
      const abort = new AbortController();
      const done = controller.lead(abort.signal);
      const end = async (): Promise<void> => {
        ends.delete(end);
        abort.abort();
        await done;
      };
      ends.add(end);
      return end;
    },
    async close() {
      await Promise.all(Array.from(ends, (end) => end()));
      await server.close();
    },
  };
}

const textOf = (fields: object): string =>
  JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.stack : value));
