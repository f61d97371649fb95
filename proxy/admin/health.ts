/** What kubelet asks: has the proxy started, is it ready, does it live; and the application's own probes. */
import { codes, type Code } from '../../core/errors/index.ts';
import type { ConfigStore } from '../config/store.ts';
import type { Subject } from '../config/status.ts';
import type { Serving } from '../serving.ts';
import { json, notFound, type Answer } from './http.ts';
import type { Probe } from './probeConfig.ts';
import type { ProbeResult } from './probes.ts';

export interface HealthOptions {
  store: ConfigStore;
  /** How many threads serve, of how many that should; undefined before there is something to serve by. */
  threads: () => Serving['threads'] | undefined;
  probes: ReadonlyMap<string, Probe>;
  run: (probe: Probe) => Promise<ProbeResult>;
}

interface Reason {
  code: Code;
  field?: string;
  message: string;
  remedy: string;
}

function reasonOf(store: ConfigStore, subject: Subject, otherwise: Code): Reason {
  const refusal = store.refusal(subject);
  if (!refusal)
    return { code: otherwise, message: codes[otherwise].meaning, remedy: codes[otherwise].remedy };
  const { code, field, message, remedy } = refusal;
  return { code, ...(field !== undefined && { field }), message, remedy };
}

/** What is still missing; empty when the proxy serves. */
export function missing({ store, threads }: HealthOptions): Reason[] {
  const reasons: Reason[] = [];
  if (!store.config.current) reasons.push(reasonOf(store, 'config', 'CONFIG_MISSING'));
  if (!store.core.directorySource) reasons.push(reasonOf(store, 'directory', 'DIRECTORY_MISSING'));
  if (!store.identity.current) reasons.push(reasonOf(store, 'identity', 'IDENTITY_MISSING'));
  const { serving = 0, wanted = 1 } = threads() ?? {};
  if (reasons.length === 0 && serving === 0) {
    const { remedy } = codes.NOT_CONFIGURED;
    const message = wanted > 1 ? 'no worker serves' : 'the listeners are not bound yet';
    reasons.push({ code: 'NOT_CONFIGURED', message, remedy });
  }
  return reasons;
}

function state(options: HealthOptions): Answer {
  const reasons = missing(options);
  if (reasons.length > 0) return json({ status: 'unavailable', reasons }, 503);
  const threads = options.threads();
  // one worker is enough to serve; who looks shall see that others are missing
  return json({ status: 'ok', ...(threads && threads.wanted > 1 && { workers: threads }) });
}

export async function health(options: HealthOptions, path: string): Promise<Answer> {
  if (path === '/healthz/live') return json({ status: 'ok' });
  if (path === '/healthz/startup' || path === '/healthz/ready') return state(options);
  const probe = options.probes.get(path);
  if (!probe) return notFound;
  const { status, message } = await options.run(probe);
  return json({ message }, status);
}
