/** What a workload's document says of the workload itself: one section for each distinct set of labels of its pods. */
import {
  selects,
  workloadKey,
  type PodModel,
  type ServicePortModel,
  type WorkloadModel,
} from '../model/index.ts';
import { labelsKey, type Protocol, type ResourceVersion, type Section } from '../proxyConfig/index.ts';
import type { MeshIndex } from './meshIndex.ts';
import { order } from './order.ts';
import type { LabelledPolicy } from './policyBook.ts';
import { protocolOf } from './protocol.ts';

/** One form of the workload's pods: its template, or a pod that runs. */
interface Form {
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: PodModel['ports'];
}

function formsOf(workload: WorkloadModel, mesh: MeshIndex): Map<string, Form[]> {
  const { template } = workload;
  const pods = mesh.injected.get(workloadKey(workload))?.values() ?? [];
  return Map.groupBy<string, Form>([...(template ? [template] : []), ...pods], ({ labels }) =>
    labelsKey(labels),
  );
}

function targetOf({ port, targetPort = port }: ServicePortModel, { ports }: Form): number | undefined {
  return typeof targetPort === 'number' ? targetPort : ports.find(({ name }) => name === targetPort)?.port;
}

/** What Services declare of the workload's ports. Two that contradict each other leave it to sniffing. */
function protocolsOf(namespace: string, forms: readonly Form[], mesh: MeshIndex): Section['protocols'] {
  const declared = new Map<number, Set<Protocol>>();
  for (const service of mesh.services.get(namespace)?.values() ?? []) {
    if (Object.keys(service.selector).length === 0) continue;
    for (const form of forms.filter(({ labels }) => selects(service.selector, labels))) {
      for (const port of service.ports) {
        const target = targetOf(port, form);
        const protocol = protocolOf(port);
        if (target === undefined || protocol === 'Auto') continue;
        if (!declared.has(target)) declared.set(target, new Set());
        declared.get(target)!.add(protocol);
      }
    }
  }
  const agreed = [...declared].filter(([, protocols]) => protocols.size === 1).sort(([a], [b]) => a - b);
  return Object.fromEntries(agreed.map(([port, protocols]) => [`${port}`, [...protocols][0]!]));
}

export interface Sections {
  /** In the order of their labels. */
  readonly sections: readonly Section[];
  /** The policies that decided of them. */
  readonly consulted: ReadonlySet<LabelledPolicy>;
  /** The MeshPolicies in them, by resourceKey. */
  readonly resources: Readonly<Record<string, ResourceVersion>>;
}

export function sectionsOf(workload: WorkloadModel, mesh: MeshIndex): Sections {
  const consulted = new Set<LabelledPolicy>();
  const sections = [...formsOf(workload, mesh)]
    .sort(([a], [b]) => order(a, b))
    .map(([, forms]): Section => {
      const policy = mesh.book.of(workload.namespace, forms[0]!.labels);
      consulted.add(policy);
      const { labels, inbound, shadow } = policy;
      const protocols = protocolsOf(workload.namespace, forms, mesh);
      return { labels: { ...labels }, inbound, ...(shadow ? { shadow } : {}), protocols };
    });
  return {
    sections,
    consulted,
    resources: Object.assign({}, ...[...consulted].map(({ resources }) => resources)),
  };
}
