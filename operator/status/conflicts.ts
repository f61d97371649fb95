/** Which policies lose the decision about mTLS to an equally specific one that is older. */
import { mtlsOrder, policyName, policySelects, specificity, type MeshPolicy } from '../../core/api/index.ts';
import type { Selectable } from '../../core/api/index.ts';

interface Claim {
  readonly policy: MeshPolicy;
  /** By `mode` or the number of a port. */
  readonly modes: Readonly<Record<string, string>>;
}

const claimOf = (policy: MeshPolicy): Claim | undefined => {
  const { mode, mtls } = policy.spec;
  // Shadow makes a policy inert, so it can contradict nothing
  if (!mtls || mode === 'Shadow') return undefined;
  return { policy, modes: { ...mtls.ports, ...(mtls.mode ? { mode: mtls.mode } : {}) } };
};

/**
 * By `namespace/name` of the loser: what it loses and to whom. A more specific policy that decides otherwise is no
 * conflict, it is the rule; of two equals that both select a pod, the older decides.
 */
export function mtlsConflicts(
  policies: readonly MeshPolicy[],
  pods: Iterable<Selectable>,
  systemNamespace: string,
): Map<string, string> {
  const claims = [...policies]
    .sort(mtlsOrder(systemNamespace))
    .map(claimOf)
    .filter((claim) => claim !== undefined);
  const losers = new Map<string, string>();
  if (claims.length < 2) return losers;
  const claimsIn = new Map<string, readonly Claim[]>();
  const decided = new Set<string>();
  for (const pod of pods) {
    const { namespace } = pod;
    let near = claimsIn.get(namespace);
    if (!near) {
      near = claims.filter(({ policy: { metadata } }) =>
        [namespace, systemNamespace].includes(metadata.namespace ?? ''),
      );
      claimsIn.set(namespace, near);
    }
    if (near.length < 2) continue;
    const selecting = near.filter(({ policy }) => policySelects(policy, pod, systemNamespace));
    // most pods are selected by what selected another pod before
    const key = selecting.map(({ policy }) => policyName(policy)).join(' ');
    if (decided.has(key)) continue;
    decided.add(key);
    decide(selecting, systemNamespace, losers);
  }
  return losers;
}

/** Of claims on one pod, in the order in which they decide. */
function decide(claims: readonly Claim[], systemNamespace: string, losers: Map<string, string>): void {
  const deciders = new Map<string, Claim>();
  for (const claim of claims) {
    const level = specificity(claim.policy, systemNamespace);
    for (const [what, mode] of Object.entries(claim.modes)) {
      const key = `${level}/${what}`;
      const decider = deciders.get(key);
      const name = policyName(claim.policy);
      if (!decider) deciders.set(key, claim);
      else if (decider.modes[what] !== mode && !losers.has(name)) {
        const subject = what === 'mode' ? 'mTLS mode' : `mTLS mode of port ${what}`;
        losers.set(
          name,
          `${subject}: MeshPolicy ${policyName(decider.policy)} is older and decides ${decider.modes[what]}`,
        );
      }
    }
  }
}
