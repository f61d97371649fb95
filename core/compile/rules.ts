/** Rules of a MeshPolicy in the form in which a proxy judges by them. */
import { policyName, type MeshPolicy, type PolicyRule, type PolicySource } from '../api/index.ts';
import { spiffeId } from '../model/index.ts';
import type { Rule, Source } from '../proxyConfig/index.ts';

const matches = (pattern: string, value: string): boolean => {
  if (pattern === '*') return true;
  if (pattern.endsWith('*')) return value.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith('*')) return value.endsWith(pattern.slice(1));
  return pattern === value;
};

type Identify = (serviceAccount: string) => string;

/** `serviceAccounts` and `principals` must both hold, so of the first only those stay that the second allow. */
function principalsOf(source: PolicySource, identify: Identify): string[] | undefined {
  const named = source.serviceAccounts?.map(identify);
  const { principals } = source;
  if (!named || !principals) return named ?? principals;
  return named.filter((id) => principals.some((pattern) => matches(pattern, id)));
}

/** Undefined where the source can never match: an empty list must not come to mean "any". */
function sourceOf(source: PolicySource, identify: Identify): Source | undefined {
  const principals = principalsOf(source, identify);
  if (principals?.length === 0) return undefined;
  const excluded = [...(source.notServiceAccounts ?? []).map(identify), ...(source.notPrincipals ?? [])];
  const { namespaces, notNamespaces, ipBlocks, notIpBlocks } = source;
  return {
    ...(principals ? { principals } : {}),
    ...(excluded.length > 0 ? { notPrincipals: excluded } : {}),
    ...(namespaces ? { namespaces } : {}),
    ...(notNamespaces ? { notNamespaces } : {}),
    ...(ipBlocks ? { ipBlocks } : {}),
    ...(notIpBlocks ? { notIpBlocks } : {}),
  };
}

function ruleOf(rule: PolicyRule, head: Pick<Rule, 'policy' | 'name'>, identify: Identify): Rule | undefined {
  const from = rule.from?.flatMap((source) => sourceOf(source, identify) ?? []);
  // all of its sources are impossible, so is the rule
  if (from?.length === 0) return undefined;
  return { ...head, action: rule.action, ...(from ? { from } : {}), ...(rule.to ? { to: rule.to } : {}) };
}

/** The rules of a policy in its order. A rule that can never match is left out. */
export function rulesOf(policy: MeshPolicy, trustDomain: string): Rule[] {
  const own = policy.metadata.namespace ?? '';
  const identify: Identify = (serviceAccount) => {
    const at = serviceAccount.indexOf('/');
    const namespace = at === -1 ? own : serviceAccount.slice(0, at);
    return spiffeId(trustDomain, namespace, serviceAccount.slice(at + 1));
  };
  return (policy.spec.authorization?.rules ?? []).flatMap(
    (rule, index) =>
      ruleOf(rule, { policy: policyName(policy), name: rule.name ?? `#${index}` }, identify) ?? [],
  );
}
