/** A snapshot by the questions that compiling asks of it; made once for each snapshot. */
import {
  workloadKey,
  type PodModel,
  type ServiceModel,
  type Snapshot,
  type WorkloadModel,
} from '../model/index.ts';
import { policyBook, type PolicyBook } from './policyBook.ts';

export interface View {
  readonly snapshot: Snapshot;
  readonly book: PolicyBook;
  /** Services that have an address of their own or of their endpoints, by namespace, in the order of their names. */
  readonly services: ReadonlyMap<string, readonly ServiceModel[]>;
  /** Pods with a proxy that run or are about to, by workload, in the order of their names. */
  readonly injected: ReadonlyMap<string, readonly PodModel[]>;
  /** Workloads with a template, by namespace. */
  readonly templates: ReadonlyMap<string, readonly WorkloadModel[]>;
}

export const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Items by key, each list in the order in which they come. */
function group<T>(items: Iterable<T>, key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const list = groups.get(key(item));
    if (list) list.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

function sorted<T extends { readonly name: string }>(groups: Map<string, T[]>): Map<string, T[]> {
  for (const list of groups.values()) list.sort((a, b) => order(a.name, b.name));
  return groups;
}

const isOver = ({ phase }: PodModel) => phase === 'Succeeded' || phase === 'Failed';

/** A pod with a proxy that runs or is about to. */
export const isInjected = (pod: PodModel): boolean => pod.proxy !== undefined && !isOver(pod);

const views = new WeakMap<Snapshot, View>();

export function viewOf(snapshot: Snapshot): View {
  let view = views.get(snapshot);
  if (!view) {
    const { services, pods, workloads } = snapshot;
    // an ExternalName is an alias in DNS: what it resolves to decides
    const addressable = [...services.values()].filter(
      ({ externalName, ports }) => !externalName && ports.length > 0,
    );
    view = {
      snapshot,
      book: policyBook(snapshot),
      services: sorted(group(addressable, ({ namespace }) => namespace)),
      injected: sorted(group([...pods.values()].filter(isInjected), (pod) => workloadKey(pod.workload))),
      templates: sorted(
        group(
          [...workloads.values()].filter(({ template }) => template),
          ({ namespace }) => namespace,
        ),
      ),
    };
    views.set(snapshot, view);
  }
  return view;
}
