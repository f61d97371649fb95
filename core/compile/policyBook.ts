/** The policies of a mesh, looked up by pod; each distinct set of labels is combined once. */
import { policySelects, type MeshPolicy } from '../api/index.ts';
import type { Snapshot } from '../model/index.ts';
import { labelsKey, templateLabels, type InboundPolicy } from '../proxyConfig/index.ts';
import { combine, type MeshFacts } from './inbound.ts';

export interface LabelledPolicy {
  /** Pod labels without generated ones. */
  readonly labels: Readonly<Record<string, string>>;
  readonly inbound: InboundPolicy;
  readonly shadow: InboundPolicy | undefined;
  /** All that select these labels, Enforce and Shadow, oldest first. */
  readonly selecting: readonly MeshPolicy[];
}

const MAX_KNOWN = 20_000;

export class PolicyBook {
  readonly policies: readonly MeshPolicy[];
  readonly facts: MeshFacts;
  readonly #byNamespace: ReadonlyMap<string, readonly MeshPolicy[]>;
  /** Place of each policy in the order of age. */
  readonly #order: ReadonlyMap<MeshPolicy, number>;
  readonly #known = new Map<string, LabelledPolicy>();

  constructor(policies: readonly MeshPolicy[], facts: MeshFacts) {
    this.policies = policies;
    this.facts = facts;
    const byNamespace = new Map<string, MeshPolicy[]>();
    for (const policy of policies) {
      const { namespace = '' } = policy.metadata;
      if (!byNamespace.has(namespace)) byNamespace.set(namespace, []);
      byNamespace.get(namespace)!.push(policy);
    }
    this.#byNamespace = byNamespace;
    this.#order = new Map(policies.map((policy, index) => [policy, index]));
  }

  /** What pods with these labels accept. Mostly the same value for the same labels. */
  of(namespace: string, podLabels: Readonly<Record<string, string>>): LabelledPolicy {
    const key = `${namespace} ${labelsKey(podLabels)}`;
    let known = this.#known.get(key);
    if (!known) {
      // pods with labels of their own come and go without end, while policies may stay for months
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(key, (known = this.#combine(namespace, templateLabels(podLabels))));
    }
    return known;
  }

  #combine(namespace: string, labels: Record<string, string>): LabelledPolicy {
    const { systemNamespace } = this.facts;
    const own = this.#byNamespace.get(namespace) ?? [];
    const mesh = namespace === systemNamespace ? [] : (this.#byNamespace.get(systemNamespace) ?? []);
    const selecting = [...own, ...mesh]
      .filter((policy) => policySelects(policy, { namespace, labels }, systemNamespace))
      .sort((a, b) => this.#order.get(a)! - this.#order.get(b)!);
    const enforced = selecting.filter(({ spec }) => spec.mode !== 'Shadow');
    return {
      labels,
      inbound: combine(enforced, this.facts),
      shadow: enforced.length === selecting.length ? undefined : combine(selecting, this.facts),
      selecting,
    };
  }
}

/** A change of status or annotations is none here. */
const isSame = (a: MeshPolicy, b: MeshPolicy): boolean =>
  a === b ||
  (a.spec === b.spec &&
    a.metadata.uid === b.metadata.uid &&
    a.metadata.generation === b.metadata.generation &&
    a.metadata.creationTimestamp === b.metadata.creationTimestamp &&
    a.metadata.namespace === b.metadata.namespace &&
    a.metadata.name === b.metadata.name);

let latest: PolicyBook | undefined;

/** The book of a snapshot; the same one as for the snapshot before, as long as nothing of its policies changed. */
export function policyBook({ policies, systemNamespace, meshConfig: { trustDomain } }: Snapshot): PolicyBook {
  const isCurrent =
    latest?.facts.systemNamespace === systemNamespace &&
    latest.facts.trustDomain === trustDomain &&
    latest.policies.length === policies.length &&
    latest.policies.every((policy, index) => isSame(policy, policies[index]!));
  if (!latest || !isCurrent) latest = new PolicyBook(policies, { systemNamespace, trustDomain });
  return latest;
}
