/**
 * Takes away all that populate() and the operator made. Also where the controller manager stands still: then nobody
 * else would empty and finish the namespaces.
 */
import { SYSTEM_NAMESPACE } from '../../core/model/names.ts';
import { isNotFound, pathOf, resources, type KubeClient, type Resource } from '../../kube/index.ts';
import { each } from './each.ts';
import { CLUSTER_KINDS } from './install.ts';
import { MARK_SELECTOR } from './objects.ts';

const KINDS: readonly Resource[] = [
  resources.pods,
  resources.endpointSlices,
  resources.services,
  resources.replicaSets,
  resources.deployments,
  resources.configMaps,
  resources.secrets,
  resources.serviceAccounts,
  resources.leases,
  resources.events,
];

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

const clear = (client: KubeClient, resource: Resource, namespace: string): Promise<void> =>
  unlessGone(
    client.transport.request({
      method: 'DELETE',
      path: pathOf(resource, { namespace }),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds: 0,
        propagationPolicy: 'Background',
      },
      timeoutMs: 120_000,
    }),
  );

async function removeNamespace(client: KubeClient, name: string): Promise<void> {
  const { namespaces } = resources;
  for (const resource of KINDS) await clear(client, resource, name);
  await unlessGone(client.delete(namespaces, { name }));
  const left = await client.find(namespaces, { name });
  if (!left) return;
  const body = { ...left, apiVersion: 'v1', kind: 'Namespace', spec: { finalizers: [] } };
  const path = pathOf(namespaces, { name, subresource: 'finalize' });
  await unlessGone(client.transport.request({ method: 'PUT', path, body }));
}

export async function remove(client: KubeClient, say: (text: string) => void): Promise<void> {
  const { namespaces } = resources;
  const { items } = await client.list(namespaces, { labelSelector: MARK_SELECTOR, metadataOnly: true });
  const names = items.map(({ metadata }) => metadata.name);
  await each(
    names.filter((name) => name !== SYSTEM_NAMESPACE),
    (name) => removeNamespace(client, name),
  );
  if (names.includes(SYSTEM_NAMESPACE)) await removeNamespace(client, SYSTEM_NAMESPACE);
  for (const resource of CLUSTER_KINDS) {
    const made = await client.list(resource, { labelSelector: MARK_SELECTOR, metadataOnly: true });
    await each(made.items, ({ metadata }) => unlessGone(client.delete(resource, { name: metadata.name })));
  }
  say(`removed ${names.length} namespaces and what was installed`);
}
