/** What a cluster must be like for the measurement, and what its API server says of it. */
import { SYSTEM_NAMESPACE, webhook } from '../../core/model/names.ts';
import { apply, resources, type KubeClient } from '../../kube/index.ts';
import { pause } from '../peers/process.ts';
import { MARK, namespaceObject } from './objects.ts';
import { namespaceName } from './shape.ts';

const HELM_LABEL = 'app.kubernetes.io/managed-by';
/** A controller manager makes the account `default` of a namespace anew within moments. */
const CONTROLLERS_MS = 3_000;

/** Leaves the first namespace of the mesh behind where they do not run, and nothing where they do. */
async function controllersRun(client: KubeClient): Promise<boolean> {
  const namespace = namespaceName(0);
  const account = { namespace, name: 'default' };
  await apply(
    client,
    { resource: resources.namespaces, object: namespaceObject(namespace) },
    { fieldManager: 'bench' },
  );
  if (await client.find(resources.serviceAccounts, account))
    await client.delete(resources.serviceAccounts, account);
  const end = performance.now() + CONTROLLERS_MS;
  while (performance.now() < end) {
    if (await client.find(resources.serviceAccounts, account)) {
      await client.delete(resources.namespaces, { name: namespace });
      return true;
    }
    await pause(100);
  }
  return false;
}

/** Why the cluster cannot be used; empty where it can. */
export async function unfit(client: KubeClient): Promise<string[]> {
  const problems: string[] = [];
  const { mutatingWebhookConfigurations, namespaces } = resources;
  if (await client.find(mutatingWebhookConfigurations, { name: webhook.mutating }))
    problems.push(
      'Weft is installed: its webhook and its operator would take part; uninstall it for the run',
    );
  const system = await client.find(namespaces, { name: SYSTEM_NAMESPACE });
  const [mark] = Object.keys(MARK);
  if (system && (system.metadata.labels?.[HELM_LABEL] || !system.metadata.labels?.[mark!]))
    problems.push(`namespace ${SYSTEM_NAMESPACE} is not of this benchmark`);
  if (problems.length === 0 && (await controllersRun(client)))
    problems.push('kube-controller-manager runs: it would delete pods that no node has; stop it for the run');
  return problems;
}

const WRITES = /^apiserver_request_total\{(.*)\} (\S+)$/;
const WRITING_VERBS = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION']);

const labelsOf = (text: string): Record<string, string> =>
  Object.fromEntries(Array.from(text.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name!, value!]));

/** Requests that write, since the API server started, by `resource` or `resource/subresource`. */
export async function writesSoFar(client: KubeClient): Promise<Map<string, number>> {
  const writes = new Map<string, number>();
  const { signal } = new AbortController();
  for await (const line of client.transport.stream({ path: '/metrics', signal })) {
    const [, labels, value] = WRITES.exec(line) ?? [];
    if (labels === undefined) continue;
    const { verb = '', resource = '', subresource = '' } = labelsOf(labels);
    if (!WRITING_VERBS.has(verb)) continue;
    const key = subresource ? `${resource}/${subresource}` : resource;
    writes.set(key, (writes.get(key) ?? 0) + Number(value));
  }
  return writes;
}

/** What was written between two looks, without that of `own`. */
export function writesBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  own: Readonly<Record<string, number>> = {},
): Map<string, number> {
  const differences = [...after].map(
    ([key, count]) => [key, count - (before.get(key) ?? 0) - (own[key] ?? 0)] as const,
  );
  return new Map(differences.filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a));
}

export const total = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);
