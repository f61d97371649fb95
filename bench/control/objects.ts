/** The objects of the mesh as the API server is to hold them. Pods are made by the webhook's own code. */
import jsonPatch from 'fast-json-patch';
import { parseMeshConfigSpec } from '../../core/api/index.ts';
import { container, label } from '../../core/model/names.ts';
import type {
  Deployment,
  EndpointSlice,
  KubeObject,
  Namespace,
  OwnerReference,
  Pod,
  ReplicaSet,
  Service,
  ServiceAccount,
} from '../../kube/index.ts';
import { SERVICE_NAME_LABEL } from '../../sources/models.ts';
import { injectPod, type InjectContext } from '../../webhook/inject/index.ts';
import { PORT, TEMPLATE_HASH, type PodPlace, type ServicePlace } from './shape.ts';

/** On everything that is made, so that it is found again and removed. */
export const MARK = { 'bench.weft.dev/mesh': 'control' } as const;
export const MARK_SELECTOR = Object.entries(MARK)
  .map((pair) => pair.join('='))
  .join();
/** Whether a pod was made with a proxy: what it consists of cannot be changed later. */
export const PROXY_LABEL = 'bench.weft.dev/proxy';
/** kube-proxy leaves alone what has this label, whatever its value. */
const NOT_FOR_KUBE_PROXY = { 'service.kubernetes.io/service-proxy-name': 'bench' } as const;

const IMAGE = 'registry.example/bench:1';
const labelsOf = (service: string) => ({ app: service, version: 'v1', 'pod-template-hash': TEMPLATE_HASH });

export const namespaceObject = (name: string): Namespace => ({
  metadata: { name, labels: { ...MARK, [label.injection]: 'enabled' } },
});

export const accountObject = ({ namespace, name }: ServicePlace): ServiceAccount => ({
  metadata: { namespace, name, labels: MARK },
});

const podSpec = (service: string) => ({
  serviceAccountName: service,
  automountServiceAccountToken: false,
  containers: [
    { name: 'app', image: IMAGE, ports: [{ name: 'http', containerPort: PORT }] },
    { name: 'helper', image: IMAGE },
  ],
});

const template = ({ name }: ServicePlace) => ({
  metadata: { labels: labelsOf(name) },
  spec: podSpec(name),
});

/** Without replicas: should the controllers run after all, they make no pods of their own. */
export const deploymentObject = (place: ServicePlace): Deployment => ({
  metadata: { namespace: place.namespace, name: place.name, labels: MARK },
  spec: { replicas: 0, selector: { matchLabels: { app: place.name } }, template: template(place) },
});

export const replicaSetName = ({ name }: ServicePlace): string => `${name}-${TEMPLATE_HASH}`;

export const replicaSetObject = (place: ServicePlace, owner: OwnerReference): ReplicaSet => ({
  metadata: {
    namespace: place.namespace,
    name: replicaSetName(place),
    labels: { ...MARK, ...labelsOf(place.name) },
    ownerReferences: [{ ...owner, controller: true }],
  },
  spec: { replicas: 0, selector: { matchLabels: labelsOf(place.name) }, template: template(place) },
});

export const serviceObject = ({ namespace, name }: ServicePlace): Service => ({
  metadata: { namespace, name, labels: { ...MARK, ...NOT_FOR_KUBE_PROXY } },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
});

/** One that selects every workload of its namespace, so that documents have rules and status has proxies to count. */
export const policyObject = (namespace: string): KubeObject & { spec: object } => ({
  metadata: { namespace, name: 'default', labels: MARK },
  spec: {
    mtls: { mode: 'Permissive' },
    authorization: {
      rules: [
        {
          name: 'of-the-mesh',
          action: 'Allow',
          from: [{ namespaces: ['bench-*'] }],
          to: [{ methods: ['GET', 'POST'], paths: ['/*'] }],
        },
      ],
    },
  },
});

function contextOf(namespace: string): InjectContext {
  const mesh = parseMeshConfigSpec(undefined);
  if (!mesh.ok) throw new Error("the mesh's defaults are not valid");
  return {
    namespace: { name: namespace, labels: { [label.injection]: 'enabled' } },
    systemNamespace: 'weft-system',
    revision: 'default',
    trustDomain: mesh.value.trustDomain,
    image: { name: 'registry.example/weft:1' },
    mesh: mesh.value,
    lookupOwner: () => undefined,
  };
}

/** Those without a proxy say that they want none: else they would be a mistake to be told of. */
export const podLabels = ({ service, hasProxy }: PodPlace): Record<string, string> => ({
  ...MARK,
  ...labelsOf(service),
  [PROXY_LABEL]: formOf({ hasProxy }),
  ...(!hasProxy && { [label.inject]: 'false' }),
});

export const formOf = ({ hasProxy }: Pick<PodPlace, 'hasProxy'>): string =>
  hasProxy ? 'injected' : 'opted-out';

/** Bound to a node that does not exist, so that no kubelet starts it. */
export function podObject(place: PodPlace, owner: OwnerReference): Pod {
  const { namespace, name, service, node, hasProxy } = place;
  const labels = podLabels(place);
  const ownerReferences = [{ ...owner, controller: true }];
  const spec = { ...podSpec(service), nodeName: node };
  const pod = { metadata: { namespace, name, labels, ownerReferences }, spec };
  if (!hasProxy) return pod as Pod;
  const result = injectPod(pod, contextOf(namespace));
  if (result.outcome !== 'injected')
    throw new Error(`${namespace}/${name} is not injected: ${result.outcome}`);
  return jsonPatch.applyPatch(pod, result.patch).newDocument as Pod;
}

const running = (name: string, startedAt: string) => ({
  name,
  ready: true,
  started: true,
  restartCount: 0,
  image: IMAGE,
  imageID: '',
  state: { running: { startedAt } },
});

/** What kubelet would say of the pod once it runs. */
export function podStatus({ address, hasProxy }: PodPlace, now: Date): Pod['status'] {
  const at = now.toISOString().replace(/\.[0-9]+Z$/, 'Z');
  return {
    phase: 'Running',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: at,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at }],
    containerStatuses: ['app', 'helper'].map((name) => running(name, at)),
    ...(hasProxy && { initContainerStatuses: [running(container.proxy, at)] }),
  } as Pod['status'];
}

/** `uids`: of the pods, by name. */
export const sliceObject = (place: ServicePlace, uids: ReadonlyMap<string, string>): EndpointSlice => ({
  metadata: {
    namespace: place.namespace,
    name: place.name,
    labels: { ...MARK, ...NOT_FOR_KUBE_PROXY, [SERVICE_NAME_LABEL]: place.name },
  },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: PORT, protocol: 'TCP' }],
  endpoints: place.pods.map(({ namespace, name, address, node }) => ({
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: node,
    targetRef: { kind: 'Pod', namespace, name, uid: uids.get(name)! },
  })),
});
