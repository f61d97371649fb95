/** Who needs what: documents for workloads, certificates for ServiceAccounts, policies for pods. */
import { policySelects, type MeshPolicy } from '../api/index.ts';
import {
  workloadKey,
  type PodModel,
  type ServiceAccountModel,
  type Snapshot,
  type WorkloadModel,
} from '../model/index.ts';
import { isSystemNamespace, label } from '../model/names.ts';
import { templateLabels } from '../proxyConfig/index.ts';
import { isInjected, order, viewOf, type View } from './view.ts';

/** True where pods of the template are to get a proxy: what the webhook decides from the same labels. */
function wantsProxy({ template, namespace }: WorkloadModel, { snapshot }: View): boolean {
  if (!template) return false;
  const asked = template.labels[label.inject];
  if (asked === 'true') return true;
  return asked !== 'false' && snapshot.namespaces.get(namespace)?.enabled === true;
}

/**
 * Every workload that needs a document: one whose template asks for a proxy, itself or by its namespace, or that has
 * pods with a proxy. In the order of their keys.
 */
export function workloadsOf(snapshot: Snapshot): readonly WorkloadModel[] {
  const view = viewOf(snapshot);
  return [...snapshot.workloads.values()]
    .filter(({ namespace }) => !isSystemNamespace(namespace, snapshot.systemNamespace))
    .filter((workload) => view.injected.has(workloadKey(workload)) || wantsProxy(workload, view))
    .sort((a, b) => order(workloadKey(a), workloadKey(b)));
}

/** The ServiceAccounts that need a certificate: of those workloads, and of the pods with a proxy that they have. */
export function identitiesOf(snapshot: Snapshot): readonly ServiceAccountModel[] {
  const view = viewOf(snapshot);
  const names = new Set<string>();
  for (const workload of workloadsOf(snapshot)) {
    const { namespace, template } = workload;
    if (template && wantsProxy(workload, view)) names.add(`${namespace}/${template.serviceAccount}`);
    for (const pod of view.injected.get(workloadKey(workload)) ?? [])
      names.add(`${namespace}/${pod.serviceAccount}`);
  }
  return [...names].sort(order).flatMap((name) => snapshot.serviceAccounts.get(name) ?? []);
}

/**
 * The pods that a policy is in force on: selected ones with a proxy that run and are not terminating. Labels are
 * compared as documents do, by those of the template.
 */
export function selectedPods(snapshot: Snapshot, policy: MeshPolicy): readonly PodModel[] {
  return [...snapshot.pods.values()].filter(
    (pod) =>
      isInjected(pod) &&
      pod.phase === 'Running' &&
      !pod.terminating &&
      !isSystemNamespace(pod.namespace, snapshot.systemNamespace) &&
      policySelects(
        policy,
        { namespace: pod.namespace, labels: templateLabels(pod.labels) },
        snapshot.systemNamespace,
      ),
  );
}
