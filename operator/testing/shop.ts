/** A small shop in an API server double, as the controllers of a cluster would leave it. */
import { annotation, container, label } from '../../core/model/names.ts';
import { resources, type Pod } from '../../kube/index.ts';
import type { ApiServer } from '../../kube/testing/apiServer.ts';

export const SHOP = 'shop';

/** A namespace of the mesh with a Deployment, its ServiceAccount and its Service; no pods. */
export function putShop({ objects }: ApiServer, name: string, namespace = SHOP): void {
  if (!objects.get(resources.namespaces, { name: namespace })) {
    objects.namespace(namespace, { [label.injection]: 'enabled' });
  }
  objects.put(resources.serviceAccounts, { metadata: { namespace, name } });
  objects.put(resources.deployments, {
    metadata: { namespace, name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          serviceAccountName: name,
          containers: [{ name, ports: [{ name: 'http', containerPort: 8080 }] }],
        },
      },
    },
  });
  objects.put(resources.services, {
    metadata: { namespace, name },
    spec: {
      clusterIP: '10.96.0.20',
      clusterIPs: ['10.96.0.20'],
      selector: { app: name },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  });
}

/** A running pod of that Deployment, with a started proxy unless `injected` is false. */
export function putPod(
  { objects }: ApiServer,
  name: string,
  { injected = true, namespace = SHOP }: { injected?: boolean; namespace?: string } = {},
): Pod {
  const [app = name] = name.split('-');
  return objects.put(resources.pods, {
    metadata: {
      namespace,
      name,
      uid: `uid-${name}`,
      labels: { app, 'pod-template-hash': 'abc' },
      ...(injected
        ? { annotations: { [annotation.proxy]: JSON.stringify({ version: '0.1.0', wires: ['weft-tcp/1'] }) } }
        : {}),
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${app}-abc`,
          uid: `uid-rs-${app}`,
          controller: true,
        },
      ],
    },
    spec: {
      serviceAccountName: app,
      nodeName: 'node1',
      containers: [{ name: app, ports: [{ name: 'http', containerPort: 8080 }] }],
      ...(injected ? { initContainers: [{ name: container.proxy, restartPolicy: 'Always' }] } : {}),
    },
    status: {
      phase: 'Running',
      podIP: '10.244.0.9',
      podIPs: [{ ip: '10.244.0.9' }],
      ...(injected
        ? {
            initContainerStatuses: [
              { name: container.proxy, ready: true, started: true, image: '', imageID: '', restartCount: 0 },
            ],
          }
        : {}),
    },
  });
}

/** The EndpointSlice of a Service, with one endpoint: that pod, at the address that all pods here have. */
export function putEndpoint({ objects }: ApiServer, pod: Pod, ready = true): void {
  const { namespace = SHOP, name, uid = '', labels } = pod.metadata;
  const service = labels?.['app'] ?? name;
  objects.put(resources.endpointSlices, {
    metadata: { namespace, name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [
      {
        addresses: ['10.244.0.9'],
        conditions: { ready, serving: ready, terminating: false },
        nodeName: 'node1',
        targetRef: { kind: 'Pod', namespace, name, uid },
      },
    ],
  });
}

export const configMap = ({ objects }: ApiServer, name: string) =>
  objects.get(resources.configMaps, { namespace: SHOP, name });

export const secret = ({ objects }: ApiServer, name: string) =>
  objects.get(resources.secrets, { namespace: SHOP, name });

/** `data` of a Secret as texts. */
export function texts(data: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}
