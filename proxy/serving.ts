/** The data plane as the rest of the process sees it, whether it runs in this thread or in workers. */
import type { Address, ConfigState, DataPlane, Live, Running } from './context.ts';
import type { LogLevel } from './env.ts';
import { startInbound } from './inbound/stack.ts';
import type { Listeners } from './listeners.ts';
import { startOutbound } from './outbound/stack.ts';
import type { ProxyTelemetry } from './telemetry/index.ts';
import type { LevelledLog } from './telemetry/log.ts';

export interface Sides<T> {
  readonly inbound: T;
  readonly outbound: T;
}

/** Open connections from clients, and requests that run. */
export type SideStats = ReturnType<Running['stats']>;

/** One worker, for admin. */
export interface WorkerStats extends Partial<Sides<SideStats>> {
  worker: number;
  serving: boolean;
  /** False where it did not answer in time, or is not there. */
  answered: boolean;
  heapUsedBytes?: number;
}

export interface ServingStats extends Sides<SideStats> {
  /** Absent where the main thread itself serves. */
  workers?: readonly WorkerStats[];
}

export interface Serving {
  readonly threads: { readonly serving: number; readonly wanted: number };
  /** Addresses really bound. */
  readonly addresses: Sides<readonly Address[]>;
  stats(): ServingStats | Promise<ServingStats>;
  /** `own`, the metrics of this thread, with those of all that serve. */
  metrics(own: string): string | Promise<string>;
  /** As Running.stop, for both sides. */
  stop(timeoutMs: number): Promise<void>;
}

/** Starts both sides in this thread. Rejects where a listener cannot be bound. */
export async function serveHere(listen: Listeners, plane: DataPlane): Promise<Serving> {
  const inbound = await startInbound({ listen: listen.inbound, plane });
  const outbound = await startOutbound({ listen: listen.outbound, plane });
  return {
    threads: { serving: 1, wanted: 1 },
    addresses: { inbound: inbound.addresses, outbound: outbound.addresses },
    stats: () => ({ inbound: inbound.stats(), outbound: outbound.stats() }),
    metrics: (own) => own,
    stop: async (timeoutMs) => void (await Promise.all([inbound.stop(timeoutMs), outbound.stop(timeoutMs)])),
  };
}

export interface SettingsOptions {
  config: Live<ConfigState>;
  telemetry: ProxyTelemetry;
  log: LevelledLog;
  /** Wins over the document. */
  logLevel: LogLevel | undefined;
}

/** What a document says about telemetry takes effect with it. */
export function followSettings({ config, telemetry, log, logLevel }: SettingsOptions): void {
  config.subscribe(({ document }) => {
    telemetry.setAccessLog(document.telemetry.accessLog);
    log.setLevel(logLevel ?? document.settings.logLevel);
  });
}
