/**
 * Labels that controllers put on pods and that therefore differ between pods of one template. They take no part in
 * choosing a section of a document: the operator knows the template before it knows any pod.
 */
const GENERATED = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'controller-uid',
  'job-name',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'rollouts-pod-template-hash',
  // copied from the node to its pods since Kubernetes 1.35
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);

export const isGeneratedLabel = (key: string) => GENERATED.has(key) || key.startsWith('batch.kubernetes.io/');

/** The labels of a pod that its template gave it, in the order of their keys. */
export function templateLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => !isGeneratedLabel(key))
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

/** One string for one set of template labels: equal exactly when the sets are. */
export function labelsKey(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(templateLabels(labels)));
}
