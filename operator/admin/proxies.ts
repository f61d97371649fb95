/** Every proxy with what it runs and what it should run. Pure: who asks hands in what is known. */
import type { ProxiesPage, ProxyCondition, ProxyStatus, Report } from '../../core/control/index.ts';
import { workloadKey, type PodModel, type Snapshot } from '../../core/model/index.ts';
import { refusalText } from '../status/proxies.ts';
import type { Wanted } from './wanted.ts';

/** What the registry knows of a proxy. */
export interface KnownProxy {
  readonly report: Report;
  readonly connected: boolean;
  readonly responsive: boolean;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** A document that is newer than this has not had the time to arrive. */
export const UPDATE_GRACE_MS = 2_000;
/** As long a proxy may be between two connections: an operator restarts, a certificate is renewed. */
export const RECONNECT_GRACE_MS = 15_000;
export const MAX_ROWS = 1_000;

export interface Facts {
  readonly pod: PodModel;
  readonly known: KnownProxy | undefined;
  readonly wanted: Wanted | undefined;
  readonly now: number;
}

type Verdict = readonly [ProxyCondition, string?];

function notHeard({ known, now }: Facts): Verdict | undefined {
  if (!known) return ['Late', 'has not said anything yet'];
  const seconds = Math.round((now - known.receivedAt) / 1000);
  if (known.connected) return known.responsive ? undefined : ['Late', 'does not answer'];
  return now - known.receivedAt > RECONNECT_GRACE_MS
    ? ['Late', `is not connected; heard ${seconds} s ago`]
    : undefined;
}

/** The first that holds, of what people want to know first. */
function verdictOf(facts: Facts): Verdict {
  const { pod, known, wanted, now } = facts;
  if (!known && (!pod.proxy?.started || pod.phase !== 'Running')) return ['Starting', 'has not started yet'];
  const refused = known?.report.refused;
  if (refused) return ['Refused', refusalText(refused)];
  const silence = notHeard(facts);
  if (silence) return silence;
  if (!wanted) return ['Updating', 'its workload has no document yet'];
  if (known?.report.inForce?.hash === wanted.hash) return ['Current'];
  const ms = now - wanted.since;
  return ms <= UPDATE_GRACE_MS
    ? ['Updating', `its document changed ${ms} ms ago`]
    : ['Late', 'runs an older document'];
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();

/** Pings are answered all the time, without a trace of each. */
const heardAt = ({ connected, responsive, receivedAt }: KnownProxy, now: number): number =>
  connected && responsive ? now : receivedAt;

export function proxyStatus(facts: Facts): ProxyStatus {
  const { pod, known, wanted, now } = facts;
  const [condition, reason] = verdictOf(facts);
  const { kind, name } = pod.workload;
  const { inForce, refused, certificate, proxyVersion } = known?.report ?? {};
  return {
    pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
    workload: { kind, name },
    condition,
    ...(reason === undefined ? {} : { reason }),
    connected: known?.connected ?? false,
    responsive: known?.connected === true && known.responsive,
    ...(known ? { heardAt: rfc3339(heardAt(known, now)) } : {}),
    ...(proxyVersion === undefined ? {} : { proxyVersion }),
    ...(inForce ? { inForce } : {}),
    ...(refused ? { refused } : {}),
    ...(certificate ? { certificate } : {}),
    ...(wanted ? { wanted: { hash: wanted.hash, since: rfc3339(wanted.since) } } : {}),
  };
}

export interface ProxiesQuery {
  readonly namespace: string | undefined;
  /** `namespace/name` of the last one of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

export interface ProxiesSources {
  readonly snapshot: Snapshot | undefined;
  readonly known: (uid: string) => KnownProxy | undefined;
  readonly wanted: (workload: string) => Wanted | undefined;
  readonly now: number;
}

/** A proxy that is on its way out, or whose pod has ended, is nobody's concern any more. */
const lives = ({ proxy, terminating, phase }: PodModel): boolean =>
  proxy !== undefined && !terminating && phase !== 'Succeeded' && phase !== 'Failed';

/** One page of the proxies that there are, in the order of `namespace/name`. */
export function proxiesPage(
  { namespace, after = '', limit }: ProxiesQuery,
  { snapshot, known, wanted, now }: ProxiesSources,
): Pick<ProxiesPage, 'proxies' | 'next'> {
  const keys: string[] = [];
  for (const [key, pod] of snapshot?.pods ?? [])
    if (key > after && lives(pod) && (namespace === undefined || pod.namespace === namespace)) keys.push(key);
  keys.sort((a, b) => (a < b ? -1 : 1));
  const shown = keys.slice(0, limit);
  const proxies = shown.map((key) => {
    const pod = snapshot!.pods.get(key)!;
    return proxyStatus({ pod, known: known(pod.uid), wanted: wanted(workloadKey(pod.workload)), now });
  });
  return { proxies, ...(keys.length > limit ? { next: shown.at(-1)! } : {}) };
}
