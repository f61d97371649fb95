/** What a cluster must be like for the measurement, and what its API server says of it. */
import { SYSTEM_NAMESPACE, webhook } from '../../core/model/names.ts';
import { resources, type KubeClient } from '../../kube/index.ts';
import { MARK } from './objects.ts';

const HELM_LABEL = 'app.kubernetes.io/managed-by';
/** Their leases are renewed every 2 s. */
const MUST_REST = ['kube-controller-manager', 'kube-scheduler'];
const LEASE_ALIVE_MS = 20_000;

/** Why the cluster cannot be used; empty where it can. */
export async function unfit(client: KubeClient): Promise<string[]> {
  const problems: string[] = [];
  for (const name of MUST_REST) {
    const lease = await client.find(resources.leases, { namespace: 'kube-system', name });
    const renewed = Date.parse(lease?.spec?.renewTime ?? '');
    if (Date.now() - renewed < LEASE_ALIVE_MS)
      problems.push(`${name} runs: it would delete or schedule pods that no node has; stop it for the run`);
  }
  const { mutatingWebhookConfigurations, namespaces } = resources;
  if (await client.find(mutatingWebhookConfigurations, { name: webhook.mutating }))
    problems.push(
      'Weft is installed: its webhook and its operator would take part; uninstall it for the run',
    );
  const system = await client.find(namespaces, { name: SYSTEM_NAMESPACE });
  const [mark] = Object.keys(MARK);
  if (system && (system.metadata.labels?.[HELM_LABEL] || !system.metadata.labels?.[mark!]))
    problems.push(`namespace ${SYSTEM_NAMESPACE} is not of this benchmark`);
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
