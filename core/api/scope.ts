/** Which pods a MeshPolicy is about, and which of two policies comes first. Shared by compile, status and admission. */
import type { MeshPolicy } from './meshPolicy.ts';

/** What of a pod decides whether a policy selects it. */
export interface Selectable {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

const hasSelector = (policy: MeshPolicy): boolean =>
  Object.keys(policy.spec.selector?.matchLabels ?? {}).length > 0;

/** True where `policy` is about the pod: its own namespace or, for one in the system namespace, the whole mesh. */
export function policySelects(policy: MeshPolicy, pod: Selectable, systemNamespace: string): boolean {
  const { namespace } = policy.metadata;
  if (namespace !== pod.namespace && namespace !== systemNamespace) return false;
  const wanted = policy.spec.selector?.matchLabels;
  if (!wanted) return true;
  for (const key of Object.keys(wanted)) if (pod.labels[key] !== wanted[key]) return false;
  return true;
}

/**
 * How specific a policy is: 3 selected workloads of a namespace, 2 a namespace, 1 selected workloads of the mesh,
 * 0 the mesh. A namespace's own word beats the mesh's, selector or not.
 */
export function specificity(policy: MeshPolicy, systemNamespace: string): 0 | 1 | 2 | 3 {
  if (policy.metadata.namespace === systemNamespace) return hasSelector(policy) ? 1 : 0;
  return hasSelector(policy) ? 3 : 2;
}

/** `namespace/name`. */
export const policyName = ({ metadata }: MeshPolicy): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`;

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Orders policies by age, oldest first; of the same second, by `namespace/name`, so that the order is total. */
export function olderFirst(a: MeshPolicy, b: MeshPolicy): number {
  return (
    order(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    order(policyName(a), policyName(b))
  );
}

/** Orders policies by who decides mTLS: the most specific first and, of two equals, the older. */
export function mtlsOrder(systemNamespace: string): (a: MeshPolicy, b: MeshPolicy) => number {
  return (a, b) => specificity(b, systemNamespace) - specificity(a, systemNamespace) || olderFirst(a, b);
}
