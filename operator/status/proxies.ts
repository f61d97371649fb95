/** What the proxies of pods run, of one resource: the material of every APPLIED. */
import type { Report } from '../../core/control/index.ts';
import type { PodModel } from '../../core/model/index.ts';
import type { ResourceVersion } from '../../core/proxyConfig/index.ts';

/** What is known of a proxy. */
export interface Heard {
  readonly report: Report;
  readonly connected: boolean;
  /** Answers pings. */
  readonly responsive: boolean;
}

export interface ProxyState {
  /** `namespace/name`. */
  readonly pod: string;
  readonly applied: boolean;
  /** The proxy never reported to this replica. */
  readonly silent: boolean;
  readonly refused?: NonNullable<Report['refused']>;
  /** Why what it said last does not count. */
  readonly away?: 'unresponsive' | 'disconnected';
  /** Milliseconds for which its last word still counts, though it has no stream. */
  readonly holdsMs?: number;
}

/** A proxy that takes part in APPLIED: of a running pod that is not on its way out, and seen to have started. */
export const counts = (pod: PodModel): boolean =>
  pod.proxy?.started === true && pod.phase === 'Running' && !pod.terminating;

/** A pod that policy cannot reach: it runs, without a proxy that it should and could have. */
export const unprotected = (pod: PodModel): boolean =>
  !pod.proxy && !pod.hostNetwork && pod.phase === 'Running' && !pod.terminating;

export interface WantedVersion extends ResourceVersion {
  /** Key in a document's `resources`. */
  readonly key: string;
}

export interface Listening {
  readonly heard: Heard | undefined;
  /** Milliseconds without a stream. */
  readonly lostMs: number;
  /** So long the last word of a proxy without a stream counts. */
  readonly graceMs: number;
}

/** What the proxy of a pod says of one resource. */
export function proxyState(pod: PodModel, wanted: WantedVersion, listening: Listening): ProxyState {
  const { heard, lostMs, graceMs } = listening;
  const running = heard?.report.inForce?.resources[wanted.key];
  const away = awayOf(listening);
  const refused = heard?.report.refused;
  return {
    pod: `${pod.namespace}/${pod.name}`,
    applied: !away && running?.uid === wanted.uid && running.generation === wanted.generation,
    silent: heard === undefined,
    ...(refused ? { refused } : {}),
    ...(away ? { away } : {}),
    ...(heard && !heard.connected && !away ? { holdsMs: graceMs - lostMs } : {}),
  };
}

function awayOf({ heard, lostMs, graceMs }: Listening): ProxyState['away'] {
  if (!heard) return undefined;
  if (heard.connected) return heard.responsive ? undefined : 'unresponsive';
  return lostMs >= graceMs ? 'disconnected' : undefined;
}

/** Those that do not run it, in the order of their names. */
export const lateOf = (proxies: readonly ProxyState[]): ProxyState[] =>
  proxies.filter(({ applied }) => !applied).sort((a, b) => (a.pod < b.pod ? -1 : 1));

/** When the state of these proxies is another one though nothing happens; Infinity: never. */
export const holdsMs = (proxies: readonly ProxyState[]): number =>
  proxies.reduce((least, { holdsMs: ms = Infinity }) => Math.min(least, ms), Infinity);

/** `CODE field: message`. */
export const refusalText = ({ code, field, message }: NonNullable<Report['refused']>): string =>
  `${code}${field ? ` ${field}` : ''}: ${message}`;

/** `2/3`. */
export const appliedText = (proxies: readonly ProxyState[]): string =>
  `${proxies.filter(({ applied }) => applied).length}/${proxies.length}`;
