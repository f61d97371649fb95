/** What is allowed but probably not meant: shown at `kubectl apply`, never a reason to refuse. */
import type { MeshPolicy, PolicyRule, PolicySource } from './meshPolicy.ts';
import { mtlsOrder, policyName, policySelects, specificity, type Selectable } from './scope.ts';
import { hasHostBits } from './values.ts';

export interface PolicySurroundings {
  /** The other policies; one with the name of the judged policy is left out of account. */
  readonly others: readonly MeshPolicy[];
  readonly pods: readonly (Selectable & { readonly proxy?: unknown })[];
  readonly systemNamespace: string;
  readonly trustDomain: string;
}

const RULES = 'spec.authorization.rules';

const matches = (pattern: string, value: string): boolean => {
  if (pattern === '*') return value !== '';
  if (pattern.endsWith('*')) return value.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith('*')) return value.endsWith(pattern.slice(1));
  return pattern === value;
};

const namespaceOf = (serviceAccount: string, own: string): string =>
  serviceAccount.includes('/') ? serviceAccount.slice(0, serviceAccount.indexOf('/')) : own;

const IDENTITY_FIELDS = ['serviceAccounts', 'namespaces', 'principals'] as const;
const OPPOSITES = [
  ['serviceAccounts', 'notServiceAccounts'],
  ['namespaces', 'notNamespaces'],
  ['principals', 'notPrincipals'],
  ['ipBlocks', 'notIpBlocks'],
] as const;

function sourceWarnings(source: PolicySource, at: string, policy: MeshPolicy): string[] {
  const own = policy.metadata.namespace ?? '';
  const warnings: string[] = [];
  const { serviceAccounts, namespaces } = source;
  if (
    serviceAccounts &&
    namespaces &&
    !serviceAccounts.some((account) =>
      namespaces.some((pattern) => matches(pattern, namespaceOf(account, own))),
    )
  ) {
    warnings.push(`${at} can never match: none of its serviceAccounts is in one of its namespaces`);
  }
  for (const [field, opposite] of OPPOSITES) {
    const excluded = new Set(source[opposite]);
    if (source[field]?.every((value) => excluded.has(value))) {
      warnings.push(`${at} can never match: ${opposite} excludes all of its ${field}`);
    }
  }
  for (const field of ['ipBlocks', 'notIpBlocks'] as const) {
    for (const block of source[field] ?? []) {
      if (hasHostBits(block)) warnings.push(`${at}.${field}: ${block} has bits set beyond its prefix`);
    }
  }
  return warnings;
}

function foreignPrincipals(source: PolicySource, at: string, trustDomain: string): string[] {
  const own = `spiffe://${trustDomain}/`;
  return (source.principals ?? [])
    .filter((principal) => !principal.startsWith('*') && !principal.startsWith(own))
    .filter((principal) => !(principal.endsWith('*') && own.startsWith(principal.slice(0, -1))))
    .map((principal) => `${at}.principals: ${principal} is outside the trust domain ${trustDomain}`);
}

function ruleWarnings(rule: PolicyRule, index: number, context: [MeshPolicy, PolicySurroundings]): string[] {
  const [policy, { systemNamespace, trustDomain }] = context;
  const at = `${RULES}[${index}]`;
  if (!rule.from && !rule.to && rule.action !== 'Audit') {
    return [`${at} has no conditions: it ${rule.action === 'Allow' ? 'allows' : 'denies'} everything`];
  }
  return (rule.from ?? []).flatMap((source, position) => {
    const from = `${at}.from[${position}]`;
    const short = [...(source.serviceAccounts ?? []), ...(source.notServiceAccounts ?? [])].filter(
      (name) => !name.includes('/'),
    );
    return [
      ...sourceWarnings(source, from, policy),
      ...foreignPrincipals(source, from, trustDomain),
      ...(policy.metadata.namespace === systemNamespace
        ? short.map((name) => `${from}: ${name} means ${systemNamespace}/${name}; name the namespace`)
        : []),
    ];
  });
}

function authorizationWarnings(policy: MeshPolicy, surroundings: PolicySurroundings): string[] {
  const rules = policy.spec.authorization?.rules ?? [];
  const warnings = rules.flatMap((rule, index) => ruleWarnings(rule, index, [policy, surroundings]));
  const allows = rules.filter(({ action }) => action === 'Allow');
  if (policy.spec.authorization?.default === 'Allow' && allows.length > 0) {
    warnings.push(
      'spec.authorization.default is Allow: the Allow rules change nothing unless another policy denies',
    );
  }
  const needsIdentity = allows.some(({ from }) =>
    from?.every((source) => IDENTITY_FIELDS.some((field) => source[field])),
  );
  if (policy.spec.mtls?.mode === 'Disabled' && needsIdentity) {
    warnings.push(
      'spec.mtls.mode is Disabled: callers prove no identity, so rules that ask for one never match',
    );
  }
  return warnings;
}

/** The policy that decides the mTLS of a pod in place of `policy`, if any. */
function decider(
  policy: MeshPolicy,
  pod: Selectable,
  surroundings: PolicySurroundings,
): MeshPolicy | undefined {
  const { others, systemNamespace } = surroundings;
  const before = mtlsOrder(systemNamespace);
  const level = (each: MeshPolicy) => specificity(each, systemNamespace);
  return (
    others
      .filter((other) => other.spec.mode !== 'Shadow' && other.spec.mtls?.mode)
      .filter((other) => policyName(other) !== policyName(policy) && before(other, policy) < 0)
      // among equals a word on one port beats an older one on all ports
      .filter((other) => !policy.spec.mtls?.ports || level(other) > level(policy))
      .filter((other) => policySelects(other, pod, systemNamespace))
      .sort(before)[0]
  );
}

function mtlsWarnings(policy: MeshPolicy, surroundings: PolicySurroundings): string[] {
  if (!policy.spec.mtls || policy.spec.mode === 'Shadow') return [];
  const { systemNamespace } = surroundings;
  const selected = surroundings.pods.filter((pod) => policySelects(policy, pod, systemNamespace));
  // without pods, the selector stands for the pods to come
  const judged: Selectable[] =
    selected.length > 0
      ? selected
      : [{ namespace: policy.metadata.namespace ?? '', labels: policy.spec.selector?.matchLabels ?? {} }];
  const winners = judged.map((pod) => decider(policy, pod, surroundings));
  if (winners.some((winner) => !winner)) return [];
  return [...new Set(winners)].map((winner) => {
    const equal = specificity(winner!, systemNamespace) === specificity(policy, systemNamespace);
    return `spec.mtls has no effect: MeshPolicy ${policyName(winner!)} is ${equal ? 'older' : 'more specific'} and decides`;
  });
}

function selectionWarnings(policy: MeshPolicy, { pods, systemNamespace }: PolicySurroundings): string[] {
  const selected = pods.filter((pod) => policySelects(policy, pod, systemNamespace));
  if (selected.length === 0) return ['selects no pod at present; check spec.selector and the namespace'];
  const bare = selected.filter(({ proxy }) => proxy === undefined).length;
  // a policy of the mesh or of a namespace is meant for whatever comes; one with a selector for these pods
  if (bare === 0 || specificity(policy, systemNamespace) !== 3) return [];
  return [`${bare} of the ${selected.length} pods that it selects have no proxy: it is not enforced there`];
}

/** Warnings for a policy that is valid, each with the field that it is about; deterministic. */
export function policyWarnings(policy: MeshPolicy, surroundings: PolicySurroundings): string[] {
  return [
    ...selectionWarnings(policy, surroundings),
    ...mtlsWarnings(policy, surroundings),
    ...authorizationWarnings(policy, surroundings),
  ];
}
