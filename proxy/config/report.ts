import type { Report } from '../../core/control/index.ts';
import { CONTROL_VERSION } from '../../core/control/protocol.ts';
import { WEFT_VERSION } from '../../core/proxyConfig/version.ts';
import type { Environment } from '../env.ts';
import { refusalFields, type Refusal } from './status.ts';
import type { ConfigStore } from './store.ts';

const MAX_RESOURCES = 2000;

function refusedOf(refusals: readonly Refusal[]): Report['refused'] {
  const newest = refusals.toSorted((a, b) => b.since.getTime() - a.since.getTime())[0];
  return newest && refusalFields(newest);
}

/** What this proxy has in force now, and what it refused. */
export function reportOf(
  { pod, workload }: { pod: Report['pod']; workload: Environment['workload'] },
  store: Pick<ConfigStore, 'config' | 'since' | 'refusals' | 'identity'>,
): Report {
  const document = store.config.current?.document;
  const refused = refusedOf(store.refusals);
  const identity = store.identity.current;
  return {
    version: CONTROL_VERSION,
    pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
    workload,
    proxyVersion: WEFT_VERSION,
    ...(document && {
      inForce: {
        epoch: document.epoch,
        revision: document.revision,
        hash: document.hash,
        since: store.since!.toISOString(),
        resources: Object.fromEntries(Object.entries(document.resources).slice(0, MAX_RESOURCES)),
      },
    }),
    ...(refused && { refused }),
    ...(identity && { certificate: { serial: identity.serial, notAfter: identity.notAfter.toISOString() } }),
  };
}
