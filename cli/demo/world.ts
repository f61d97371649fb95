/**
 * The shop as local processes: which pods there are, on which loopback ports, and the Kubernetes objects that say so.
 * The manifests are those of examples/shop; what a cluster would add (addresses, pods, endpoints) is made here.
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump, loadAll, YAML11_SCHEMA } from 'js-yaml';
import { WEFT_VERSION, WIRES } from '../../core/proxyConfig/index.ts';
import { annotation, container, label } from '../../core/model/names.ts';

export const NAMESPACE = 'shop';
const FIRST_PORT = 18_100;
const PORTS_PER_POD = 20;
const APPLICATION_PORT = 8080;

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: Record<string, unknown>;
}

/** One pod of the demo: an application and its proxy on loopback ports of their own. */
export interface DemoPod {
  readonly name: string;
  readonly deployment: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  /** Source file of the service in examples/shop. */
  readonly service: string;
  /** What the Service calls the port of the application. */
  readonly portName: string;
  readonly ports: {
    readonly application: number;
    readonly grpcHealth: number;
    /** Where peers find the proxy: what port 8080 of the pod would be. */
    readonly inbound: number;
    readonly admin: number;
    readonly metrics: number;
    readonly health: number;
    /** By service: what the plain name would lead to. */
    readonly outbound: Readonly<Record<string, number>>;
  };
}

export interface World {
  readonly pods: readonly DemoPod[];
  /** Cluster IP by service. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly manifests: readonly Manifest[];
}

async function readManifests(dir: string): Promise<Manifest[]> {
  const files = (await readdir(dir)).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(dir, file), 'utf8')));
  return texts.flatMap((text) => loadAll(text, { schema: YAML11_SCHEMA }) as Manifest[]);
}

interface Template {
  metadata: { labels: Record<string, string> };
  spec: { serviceAccountName: string };
}

interface ServiceSpec {
  ports: { name: string; port: number }[];
}

function podOf(deployment: Manifest, index: number, services: Manifest[]): DemoPod {
  const { metadata, spec } = (deployment.spec as unknown as { template: Template }).template;
  const base = FIRST_PORT + index * PORTS_PER_POD;
  const service = metadata.labels['app']!;
  const own = services.find((candidate) => candidate.metadata.name === service)
    ?.spec as unknown as ServiceSpec;
  const spoken = own.ports.find(({ port }) => port === APPLICATION_PORT);
  return {
    name: `${deployment.metadata.name}-0`,
    deployment: deployment.metadata.name,
    serviceAccount: spec.serviceAccountName,
    labels: metadata.labels,
    version: metadata.labels['version'] ?? 'v1',
    service,
    portName: spoken?.name ?? '',
    ports: {
      application: base,
      grpcHealth: base + 1,
      inbound: base + 2,
      admin: base + 3,
      metrics: base + 4,
      health: base + 5,
      outbound: Object.fromEntries(
        services.map(({ metadata: { name } }, offset) => [name, base + 6 + offset]),
      ),
    },
  };
}

/** Lays out the world from the shop's manifests: one pod for each Deployment. */
export async function layOut(manifestDir: string): Promise<World> {
  const manifests = await readManifests(manifestDir);
  const services = manifests.filter(({ kind }) => kind === 'Service');
  const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
  return {
    manifests,
    addresses: Object.fromEntries(
      services.map(({ metadata: { name } }, index) => [name, `10.96.0.${index + 10}`]),
    ),
    pods: deployments.map((deployment, index) => podOf(deployment, index, services)),
  };
}

/** What a cluster would show of a running, injected pod. */
function podObject(pod: DemoPod): object {
  const hash = 'demo';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      namespace: NAMESPACE,
      uid: `pod-${pod.name}`,
      labels: { ...pod.labels, 'pod-template-hash': hash },
      annotations: { [annotation.proxy]: JSON.stringify({ version: WEFT_VERSION, wires: WIRES }) },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${pod.deployment}-${hash}`,
          uid: `rs-${pod.deployment}`,
          controller: true,
        },
      ],
    },
    spec: {
      serviceAccountName: pod.serviceAccount,
      nodeName: 'laptop',
      initContainers: [{ name: container.proxy, image: 'weft', restartPolicy: 'Always' }],
      containers: [
        { name: pod.service, image: 'shop', ports: [{ name: 'http', containerPort: APPLICATION_PORT }] },
      ],
    },
    status: {
      phase: 'Running',
      podIP: '127.0.0.1',
      podIPs: [{ ip: '127.0.0.1' }],
      initContainerStatuses: [{ name: container.proxy, ready: true, started: true }],
    },
  };
}

/** One slice for each pod: on loopback the pods differ by port, not by address. */
function endpointSlice(pod: DemoPod): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: pod.name,
      namespace: NAMESPACE,
      labels: { 'kubernetes.io/service-name': pod.service },
    },
    addressType: 'IPv4',
    ports: [{ name: pod.portName, port: pod.ports.inbound, protocol: 'TCP' }],
    endpoints: [
      {
        addresses: ['127.0.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'laptop',
        targetRef: { kind: 'Pod', namespace: NAMESPACE, name: pod.name, uid: `pod-${pod.name}` },
      },
    ],
  };
}

function clusterObjects({ manifests, addresses, pods }: World): object[] {
  const namespaced = manifests.map((manifest) => {
    const object = { ...manifest, metadata: { ...manifest.metadata, namespace: NAMESPACE } };
    const address = manifest.kind === 'Service' ? addresses[manifest.metadata.name] : undefined;
    return address
      ? { ...object, spec: { ...object.spec, clusterIP: address, clusterIPs: [address] } }
      : object;
  });
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { [label.injection]: 'enabled' } },
  };
  return [namespace, ...namespaced, ...pods.map(podObject), ...pods.map(endpointSlice)];
}

/** Writes a file of the operator's source as a whole: a reader never sees a part of it. */
export async function writeSource(dir: string, name: string, objects: readonly object[]): Promise<void> {
  await mkdir(dir, { recursive: true });
  const temporary = join(dir, `.${name}.partial`);
  await writeFile(temporary, objects.map((object) => dump(object, { noRefs: true })).join('---\n'));
  await rename(temporary, join(dir, name));
}

export const writeWorld = (world: World, dir: string): Promise<void> =>
  writeSource(dir, 'cluster.yaml', clusterObjects(world));
