/** How policies combine (docs/meshpolicy.md): for mTLS the most specific decides, for authorization all add up. */
import { mtlsOrder, policyName, specificity, type MeshPolicy, type MtlsMode } from '../api/index.ts';
import type { InboundPolicy } from '../proxyConfig/index.ts';
import { rulesOf } from './rules.ts';

export interface MeshFacts {
  readonly systemNamespace: string;
  readonly trustDomain: string;
}

const DEFAULT_MODE: MtlsMode = 'Permissive';

/** What one policy says of mTLS. */
const modeAt = ({ spec }: MeshPolicy, port: string): MtlsMode | undefined => spec.mtls?.ports?.[port];

/**
 * Of one port: the most specific policy that says anything of it; among equals a word on the very port before a
 * word on all ports, then the older.
 */
function decideMode(ordered: readonly MeshPolicy[], port: string, systemNamespace: string): MtlsMode {
  const level = (policy: MeshPolicy) => specificity(policy, systemNamespace);
  const first = ordered.find((policy) => modeAt(policy, port) !== undefined || policy.spec.mtls?.mode);
  if (!first) return DEFAULT_MODE;
  const exact = ordered.find(
    (policy) => level(policy) === level(first) && modeAt(policy, port) !== undefined,
  );
  return (exact && modeAt(exact, port)) ?? first.spec.mtls?.mode ?? DEFAULT_MODE;
}

function combineMtls(policies: readonly MeshPolicy[], { systemNamespace }: MeshFacts): InboundPolicy['mtls'] {
  const ordered = policies.filter(({ spec }) => spec.mtls).sort(mtlsOrder(systemNamespace));
  const decider = ordered.find(({ spec }) => spec.mtls?.mode);
  const mode = decider?.spec.mtls?.mode ?? DEFAULT_MODE;
  const named = new Set(ordered.flatMap(({ spec }) => Object.keys(spec.mtls?.ports ?? {})));
  const ports = [...named]
    .sort((a, b) => Number(a) - Number(b))
    .map((port) => [port, decideMode(ordered, port, systemNamespace)] as const)
    .filter(([, portMode]) => portMode !== mode);
  return { mode, ports: Object.fromEntries(ports), ...(decider ? { policy: policyName(decider) } : {}) };
}

function combineAuthorization(
  policies: readonly MeshPolicy[],
  { trustDomain }: MeshFacts,
): InboundPolicy['authorization'] {
  const saying = (value: 'Allow' | 'Deny') =>
    policies.filter(({ spec }) => spec.authorization?.default === value);
  const denying = saying('Deny');
  const allowing = saying('Allow');
  const withAllowRule = policies.filter(({ spec }) =>
    spec.authorization?.rules?.some(({ action }) => action === 'Allow'),
  );
  const [verdict, deciders]: ['Allow' | 'Deny', MeshPolicy[]] =
    denying.length > 0
      ? ['Deny', denying]
      : allowing.length > 0
        ? ['Allow', allowing]
        : withAllowRule.length > 0
          ? ['Deny', withAllowRule]
          : ['Allow', []];
  return {
    default: verdict,
    policies: deciders.map(policyName),
    rules: policies.flatMap((policy) => rulesOf(policy, trustDomain)),
  };
}

/** All of `policies` (oldest first) as one, each as if it were to be enforced. */
export const combine = (policies: readonly MeshPolicy[], facts: MeshFacts): InboundPolicy => ({
  mtls: combineMtls(policies, facts),
  authorization: combineAuthorization(policies, facts),
});

/** The mode of a workload port. */
export const modeOf = ({ mtls }: InboundPolicy, port: number): MtlsMode => mtls.ports[`${port}`] ?? mtls.mode;
