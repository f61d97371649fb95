/** The policies of a mesh, looked up by pod; each distinct set of labels is combined once. */
import { olderFirst, policySelects, type MeshPolicy } from '../api/index.ts';
import { resourceKey } from '../model/index.ts';
import {
  canonicalJson,
  labelsKey,
  templateLabels,
  type InboundPolicy,
  type ResourceVersion,
} from '../proxyConfig/index.ts';
import { combine, type MeshFacts } from './inbound.ts';

export interface LabelledPolicy {
  readonly namespace: string;
  /** Pod labels without generated ones. */
  readonly labels: Readonly<Record<string, string>>;
  readonly inbound: InboundPolicy;
  readonly shadow: InboundPolicy | undefined;
  /** All that select these labels, Enforce and Shadow, by resourceKey. */
  readonly resources: Readonly<Record<string, ResourceVersion>>;
}

type Labels = Readonly<Record<string, string>>;

/** A change of status or annotations is none here. */
const isSame = (a: MeshPolicy, b: MeshPolicy): boolean =>
  a === b ||
  (a.spec === b.spec &&
    a.metadata.uid === b.metadata.uid &&
    a.metadata.generation === b.metadata.generation &&
    a.metadata.creationTimestamp === b.metadata.creationTimestamp);

const versionOf = ({ metadata: { uid = '', generation = 0 } }: MeshPolicy): ResourceVersion => ({
  uid,
  generation,
});

/** Below it nothing is forgotten: pods with labels of their own come and go without end, while policies may stay. */
const MIN_KNOWN = 1_000;

export class PolicyBook {
  readonly facts: MeshFacts;
  #policies: ReadonlyMap<string, MeshPolicy> = new Map();
  #byNamespace: ReadonlyMap<string, readonly MeshPolicy[]> = new Map();
  readonly #known = new Map<string, LabelledPolicy>();
  /** Keys by the very object that holds the labels: pods of one template mostly share it. */
  readonly #keys = new WeakMap<Labels, string>();
  #limit = MIN_KNOWN;

  constructor(facts: MeshFacts) {
    this.facts = facts;
  }

  get size(): number {
    return this.#known.size;
  }

  /** What pods with these labels accept: the same value for the same labels, until a policy changes it. */
  of(namespace: string, podLabels: Labels): LabelledPolicy {
    const key = this.#keyOf(namespace, podLabels);
    let known = this.#known.get(key);
    if (!known) this.#known.set(key, (known = this.#combine(namespace, templateLabels(podLabels))));
    return known;
  }

  /** Takes the policies of the next snapshot. Returns what held until now and does not any more. */
  update(policies: readonly MeshPolicy[]): ReadonlySet<LabelledPolicy> {
    const changed = this.#take(policies);
    const stale = new Set<LabelledPolicy>();
    if (changed.length === 0) return stale;
    for (const [key, known] of this.#known) {
      if (!changed.some((policy) => policySelects(policy, known, this.facts.systemNamespace))) continue;
      const next = this.#combine(known.namespace, known.labels);
      if (canonicalJson(next) === canonicalJson(known)) continue;
      this.#known.set(key, next);
      stale.add(known);
    }
    return stale;
  }

  /** Forgets what is not in use, when that has become much; `inUse` is asked only then. */
  prune(inUse: () => ReadonlySet<LabelledPolicy>): void {
    if (this.#known.size <= this.#limit) return;
    const used = inUse();
    for (const [key, known] of this.#known) if (!used.has(known)) this.#known.delete(key);
    this.#limit = Math.max(MIN_KNOWN, 2 * this.#known.size);
  }

  /** The policies that are other ones, as they were and as they are. */
  #take(policies: readonly MeshPolicy[]): MeshPolicy[] {
    const before = this.#policies;
    const next = new Map(policies.map((policy) => [resourceKey('MeshPolicy', policy.metadata), policy]));
    const changed: MeshPolicy[] = [];
    for (const [key, policy] of next) {
      const was = before.get(key);
      if (was && isSame(was, policy)) continue;
      changed.push(policy);
      if (was) changed.push(was);
    }
    for (const [key, was] of before) if (!next.has(key)) changed.push(was);
    this.#policies = next;
    if (changed.length > 0) {
      this.#byNamespace = Map.groupBy(next.values(), ({ metadata }) => metadata.namespace ?? '');
    }
    return changed;
  }

  #keyOf(namespace: string, labels: Labels): string {
    let key = this.#keys.get(labels);
    if (key === undefined) this.#keys.set(labels, (key = labelsKey(labels)));
    return `${namespace} ${key}`;
  }

  #combine(namespace: string, labels: Labels): LabelledPolicy {
    const { systemNamespace } = this.facts;
    const own = this.#byNamespace.get(namespace) ?? [];
    const mesh = namespace === systemNamespace ? [] : (this.#byNamespace.get(systemNamespace) ?? []);
    const selecting = [...own, ...mesh]
      .filter((policy) => policySelects(policy, { namespace, labels }, systemNamespace))
      .sort(olderFirst);
    const enforced = selecting.filter(({ spec }) => spec.mode !== 'Shadow');
    return {
      namespace,
      labels,
      inbound: combine(enforced, this.facts),
      shadow: enforced.length === selecting.length ? undefined : combine(selecting, this.facts),
      resources: Object.fromEntries(
        selecting.map((policy) => [resourceKey('MeshPolicy', policy.metadata), versionOf(policy)]),
      ),
    };
  }
}
