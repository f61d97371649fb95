/** Who needs what: documents for workloads, certificates for ServiceAccounts. */
import { workloadKey, type ServiceAccountModel, type Snapshot, type WorkloadModel } from '../model/index.ts';
import { isSystemNamespace, label } from '../model/names.ts';
import { isInjected } from './meshIndex.ts';
import { order } from './order.ts';

/** True where pods of the template are to get a proxy: what the webhook decides from the same labels. */
function wantsProxy({ template, namespace }: WorkloadModel, { namespaces }: Snapshot): boolean {
  if (!template) return false;
  const asked = template.labels[label.inject];
  if (asked === 'true') return true;
  return asked !== 'false' && namespaces.get(namespace)?.enabled === true;
}

/** A document is for workloads whose template asks for a proxy, itself or by its namespace, or whose pods have one. */
export const needsDocument = (workload: WorkloadModel, snapshot: Snapshot, hasProxies: boolean): boolean =>
  !isSystemNamespace(workload.namespace, snapshot.systemNamespace) &&
  (hasProxies || wantsProxy(workload, snapshot));

type Inputs = Pick<Snapshot, 'namespaces' | 'pods' | 'workloads' | 'serviceAccounts'>;
const INPUTS = ['namespaces', 'pods', 'workloads', 'serviceAccounts'] as const;
let latest: { inputs: Inputs; identities: readonly ServiceAccountModel[] } | undefined;

/**
 * The ServiceAccounts that need a certificate: of the workloads that need a document, and of the pods with a proxy that
 * they have. The same value as last time where nothing of it changed.
 */
export function identitiesOf(snapshot: Snapshot): readonly ServiceAccountModel[] {
  if (!latest || INPUTS.some((map) => latest!.inputs[map] !== snapshot[map])) {
    latest = { inputs: snapshot, identities: findIdentities(snapshot) };
  }
  return latest.identities;
}

function findIdentities(snapshot: Snapshot): readonly ServiceAccountModel[] {
  const names = new Set<string>();
  for (const workload of snapshot.workloads.values()) {
    if (!needsDocument(workload, snapshot, false)) continue;
    names.add(`${workload.namespace}/${workload.template!.serviceAccount}`);
  }
  for (const pod of snapshot.pods.values()) {
    const { namespace, serviceAccount } = pod;
    if (!isInjected(pod) || isSystemNamespace(namespace, snapshot.systemNamespace)) continue;
    if (snapshot.workloads.has(workloadKey(pod.workload))) names.add(`${namespace}/${serviceAccount}`);
  }
  return [...names].sort(order).flatMap((name) => snapshot.serviceAccounts.get(name) ?? []);
}
