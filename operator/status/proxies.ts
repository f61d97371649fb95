/** What the proxies of pods run, of one resource: the material of every APPLIED. */
import type { Report } from '../../core/control/index.ts';
import type { PodModel } from '../../core/model/index.ts';
import type { ResourceVersion } from '../../core/proxyConfig/index.ts';

export interface ProxyState {
  /** `namespace/name`. */
  readonly pod: string;
  readonly applied: boolean;
  /** The proxy never reported to this replica. */
  readonly silent: boolean;
  readonly refused?: NonNullable<Report['refused']>;
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

/** What the proxy of a pod says of one resource. */
export function proxyState(pod: PodModel, report: Report | undefined, wanted: WantedVersion): ProxyState {
  const running = report?.inForce?.resources[wanted.key];
  return {
    pod: `${pod.namespace}/${pod.name}`,
    applied: running?.uid === wanted.uid && running.generation === wanted.generation,
    silent: report === undefined,
    ...(report?.refused ? { refused: report.refused } : {}),
  };
}

/** `CODE field: message`. */
export const refusalText = ({ code, field, message }: NonNullable<Report['refused']>): string =>
  `${code}${field ? ` ${field}` : ''}: ${message}`;

/** `2/3`. */
export const appliedText = (proxies: readonly ProxyState[]): string =>
  `${proxies.filter(({ applied }) => applied).length}/${proxies.length}`;
