/** Which workloads get a proxy, and so a document. */
import type { Snapshot, WorkloadModel } from '../model/index.ts';
import { isSystemNamespace, label } from '../model/names.ts';

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
