/** The sections of a workload's document: one for each distinct set of labels that its pods have or will have. */
import {
  selects,
  workloadKey,
  type PodModel,
  type ServicePortModel,
  type WorkloadRef,
} from '../model/index.ts';
import { labelsKey, type Protocol, type Section } from '../proxyConfig/index.ts';
import type { LabelledPolicy } from './policyBook.ts';
import { protocolOf } from './protocol.ts';
import { order, type View } from './view.ts';

/** One form of the workload's pods: its template, or a pod that runs. */
interface Form {
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: PodModel['ports'];
}

function formsOf(workload: WorkloadRef, { snapshot, injected }: View): Map<string, Form[]> {
  const key = workloadKey(workload);
  const template = snapshot.workloads.get(key)?.template;
  const forms = new Map<string, Form[]>();
  for (const form of [...(template ? [template] : []), ...(injected.get(key) ?? [])]) {
    const labels = labelsKey(form.labels);
    const list = forms.get(labels);
    if (list) list.push(form);
    else forms.set(labels, [form]);
  }
  return forms;
}

function targetOf({ port, targetPort = port }: ServicePortModel, { ports }: Form): number | undefined {
  return typeof targetPort === 'number' ? targetPort : ports.find(({ name }) => name === targetPort)?.port;
}

/** What Services declare of the workload's ports. Two that contradict each other leave it to sniffing. */
function protocolsOf(namespace: string, forms: readonly Form[], view: View): Section['protocols'] {
  const declared = new Map<number, Set<Protocol>>();
  for (const service of view.services.get(namespace) ?? []) {
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

export interface LabelledSection {
  readonly section: Section;
  readonly policy: LabelledPolicy;
}

/** In the order of their labels. */
export function sectionsOf(workload: WorkloadRef, view: View): readonly LabelledSection[] {
  return [...formsOf(workload, view)]
    .sort(([a], [b]) => order(a, b))
    .map(([, forms]) => {
      const policy = view.book.of(workload.namespace, forms[0]!.labels);
      const { labels, inbound, shadow } = policy;
      const protocols = protocolsOf(workload.namespace, forms, view);
      return {
        section: { labels: { ...labels }, inbound, ...(shadow ? { shadow } : {}), protocols },
        policy,
      };
    });
}
