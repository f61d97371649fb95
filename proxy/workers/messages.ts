/** What the main thread and its workers tell each other: plain data, which is cloned on the way. */
import type { StateChange } from '../config/state.ts';
import type { IdentitySource } from '../config/store.ts';
import type { Address } from '../context.ts';
import type { LogLevel } from '../env.ts';
import type { Listeners } from '../listeners.ts';
import type { Vicinity } from '../outbound/registry.ts';
import type { Sides, SideStats } from '../serving.ts';

/** First argument of a worker: by it the file that the process runs knows that it runs in one. */
export const WORKER = 'worker';

/** What a worker is started with. */
export interface WorkerData {
  /** From 1; one that replaces another has its number. */
  worker: number;
  listen: Listeners;
  /** That its certificate names. */
  spiffeId: string;
  vicinity: Vicinity;
  logLevel: LogLevel | undefined;
  draining: boolean;
}

/** Standard output, for the access log, and standard error, for diagnostics. */
export type OutputFd = 1 | 2;

export interface Answers {
  /** All metrics of the worker in the Prometheus text format. */
  metrics: string;
  stats: Sides<SideStats> & { heapUsedBytes: number };
}

export type Asked = keyof Answers;

export type ToWorker =
  /** What makes the configuration in force of the one that it was told before; the first is whole. */
  | { type: 'config'; change: StateChange }
  /** What was wanted is there, or will not come. It is not to be wanted again for so long. */
  | { type: 'settled'; service: string; quietMs: number }
  | { type: 'identity'; source: IdentitySource }
  | { type: 'drain' }
  | { type: 'stop'; timeoutMs: number }
  | { type: 'ask'; what: Asked }
  /** What `write` brought is written, or lost by an error of this code. */
  | { type: 'written'; fd: OutputFd; failure: string | undefined };

export type FromWorker =
  | { type: 'serving'; addresses: Sides<readonly Address[]> }
  /** It cannot serve, and ends. */
  | { type: 'failed'; code: string | undefined; message: string }
  | { type: 'answer'; what: Asked; value: Answers[Asked] }
  /** A service that only the directory knows is called; answered by `settled`. */
  | { type: 'want'; service: string }
  /** Whole lines. */
  | { type: 'write'; fd: OutputFd; bytes: Uint8Array<ArrayBuffer> }
  /** Both sides have ended and all lines are written. */
  | { type: 'stopped' };
