/** A mesh of many services in the model's own terms, whose endpoints can be changed one by one. */
import { parseMeshConfigSpec } from '../../api/index.ts';
import { PersistentMap } from '../../model/persistentMap.ts';
import {
  workloadKey,
  type EndpointModel,
  type PodModel,
  type ServiceModel,
  type Snapshot,
  type WorkloadModel,
} from '../../model/index.ts';

export interface MeshSize {
  readonly namespaces: number;
  /** Of each namespace; each with a Deployment. */
  readonly services: number;
  /** Of each service. */
  readonly endpoints: number;
}

interface Parts {
  readonly service: ServiceModel;
  readonly workload: WorkloadModel;
  readonly pods: readonly PodModel[];
}

const ports = [{ name: 'http', port: 80 }];

function partsOf(at: number, index: number, endpoints: number): Parts {
  const [namespace, name] = [`ns-${at}`, `service-${index}`];
  const labels = { app: name, team: 'mesh' };
  const ref = { kind: 'deployment', namespace, name };
  const pods = Array.from({ length: endpoints }, (_, each): PodModel => ({
    namespace,
    name: `${name}-${each}`,
    uid: `${namespace}-${name}-${each}`,
    ips: [`10.${at}.${index}.${each}`],
    labels,
    annotations: {},
    serviceAccount: name,
    node: `node-${each}`,
    phase: 'Running',
    terminating: false,
    workload: ref,
    proxy: { wires: ['weft/1', 'weft-tcp/1'], started: true },
    ports: [{ name: 'http', port: 8080 }],
  }));
  const model = (pod: PodModel): EndpointModel => ({
    address: pod.ips[0]!,
    ports: { http: 8080 },
    ready: true,
    serving: true,
    terminating: false,
    pod: `${namespace}/${pod.name}`,
    podUid: pod.uid,
  });
  return {
    pods,
    service: {
      namespace,
      name,
      addresses: [`10.96.${at}.${index}`],
      headless: false,
      ports,
      selector: { app: name },
      endpoints: pods.map(model),
    },
    workload: {
      ...ref,
      apiVersion: 'apps/v1',
      kindName: 'Deployment',
      uid: `deployment-${namespace}-${name}`,
      template: { labels, annotations: {}, serviceAccount: name, ports: [{ name: 'http', port: 8080 }] },
    },
  };
}

/** Its maps are as sources give them: the next version shares all but what is other. */
export interface LargeMesh extends Snapshot {
  readonly services: PersistentMap<ServiceModel>;
  readonly pods: PersistentMap<PodModel>;
}

export function largeMesh({ namespaces, services, endpoints }: MeshSize): LargeMesh {
  const all = Array.from({ length: namespaces }, (_, at) =>
    Array.from({ length: services }, (_, index) => partsOf(at, index, endpoints)),
  ).flat();
  const meshConfig = parseMeshConfigSpec(undefined);
  if (!meshConfig.ok) throw new Error('no defaults');
  const named = <T extends { namespace: string; name: string }>(items: readonly T[]) =>
    PersistentMap.empty<T>().with(items.map((item) => [`${item.namespace}/${item.name}`, item] as const));
  return {
    revision: '1',
    systemNamespace: 'weft-system',
    clusterDomain: 'cluster.local',
    meshConfig: meshConfig.value,
    namespaces: new Map(
      Array.from({ length: namespaces }, (_, at) => [
        `ns-${at}`,
        { name: `ns-${at}`, labels: {}, enabled: true },
      ]),
    ),
    services: named(all.map(({ service }) => service)),
    pods: named(all.flatMap(({ pods }) => pods)),
    workloads: new Map(all.map(({ workload }) => [workloadKey(workload), workload])),
    serviceAccounts: new Map(),
    policies: [],
    rejected: [],
  };
}

/** The next snapshot, in which the first endpoint of a service is ready, or is not. */
export function withEndpoint(snapshot: LargeMesh, service: string, ready: boolean): LargeMesh {
  const model = snapshot.services.get(service)!;
  const [first, ...others] = model.endpoints;
  const changed = { ...model, endpoints: [{ ...first!, ready, serving: ready }, ...others] };
  return {
    ...snapshot,
    revision: `${Number(snapshot.revision) + 1}`,
    services: snapshot.services.with([[service, changed]]),
  };
}

/** The next snapshot, in which a pod is about to go, or is not. */
export function withPod(snapshot: LargeMesh, pod: string, terminating: boolean): LargeMesh {
  const model = snapshot.pods.get(pod)!;
  return {
    ...snapshot,
    revision: `${Number(snapshot.revision) + 1}`,
    pods: snapshot.pods.with([[pod, { ...model, terminating }]]),
  };
}
