/** What each document says of its own workload, and which workloads have one. */
import { resourceKey, workloadKey, type Snapshot, type WorkloadModel } from '../model/index.ts';
import type { Hash, ProxyConfig } from '../proxyConfig/index.ts';
import type { Part } from './compiled.ts';
import type { MeshIndex } from './meshIndex.ts';
import { order } from './order.ts';
import { keep, partOf } from './part.ts';
import type { LabelledPolicy } from './policyBook.ts';
import { sectionsOf } from './sections.ts';
import { needsDocument } from './workloads.ts';

export interface OwnPart {
  readonly workload: WorkloadModel;
  readonly policy: Part;
  readonly resources: ProxyConfig['resources'];
}

interface Known {
  readonly own: OwnPart;
  readonly consulted: ReadonlySet<LabelledPolicy>;
}

/** What of a workload its document's owner reference is made of. */
const isSameOwner = (a: WorkloadModel, b: WorkloadModel): boolean =>
  a === b || (a.uid === b.uid && a.apiVersion === b.apiVersion && a.kindName === b.kindName);

export class PolicyParts {
  readonly #hash: Hash;
  readonly #known = new Map<string, Known>();

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  get(workload: string): OwnPart | undefined {
    return this.#known.get(workload)?.own;
  }

  keys(): IterableIterator<string> {
    return this.#known.keys();
  }

  /** All policies that decided of what is here. */
  *consulted(): Generator<readonly [string, ReadonlySet<LabelledPolicy>]> {
    for (const [key, { consulted }] of this.#known) yield [key, consulted];
  }

  /** Looks at these workloads again. Returns those that are another value now, or gone. */
  compile(workloads: Iterable<string>, mesh: MeshIndex): Set<string> {
    const changed = new Set<string>();
    for (const key of workloads) {
      const last = this.#known.get(key);
      const next = this.#compile(key, mesh);
      if (next) this.#known.set(key, next);
      else this.#known.delete(key);
      if (last?.own !== next?.own) changed.add(key);
    }
    return changed;
  }

  #compile(key: string, mesh: MeshIndex): Known | undefined {
    const { snapshot, injected } = mesh;
    const workload = snapshot.workloads.get(key);
    if (!workload || !needsDocument(workload, snapshot, injected.get(key) !== undefined)) return undefined;
    const { sections, consulted, resources: policies } = sectionsOf(workload, mesh);
    const resources = withConfig(policies, snapshot);
    const { kind, namespace, name } = workload;
    const last = this.#known.get(workloadKey(workload))?.own;
    const part = partOf({ resources, sections, workload: { kind, namespace, name } }, this.#hash);
    const policy = keep(last?.policy, part);
    const isSame = last?.policy === policy && isSameOwner(last.workload, workload);
    return { own: isSame ? last : { workload, policy, resources }, consulted };
  }
}

/** All mesh resources of a document, in the order of their keys. */
function withConfig(
  policies: ProxyConfig['resources'],
  { meshConfigResource }: Snapshot,
): ProxyConfig['resources'] {
  const entries = Object.entries(policies);
  if (meshConfigResource) {
    const { uid = '', generation = 0 } = meshConfigResource.metadata;
    entries.push([resourceKey('MeshConfig', meshConfigResource.metadata), { uid, generation }]);
  }
  return Object.fromEntries(entries.sort(([a], [b]) => order(a, b)));
}
