/** The proxies asked one by one, for when the operator cannot be: what they run, not whether they should. */
import type { ProxyStatus } from '../../core/control/index.ts';
import { resources, type Pod } from '../../kube/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import {
  hasProxy,
  proxyPage,
  type CertificatesPage,
  type ConfigPage,
  type StatsPage,
} from '../cluster/proxy.ts';

/** Unknown: nobody could say whether it is late. */
export type ShownProxy = Omit<ProxyStatus, 'condition'> & {
  readonly condition: ProxyStatus['condition'] | 'Unknown';
};

/** More are only listed: each costs three connections through the API server. */
export const MAX_ASKED_PROXIES = 50;
const AT_ONCE = 5;

const listed = ({ metadata, status }: Pod): ShownProxy => ({
  pod: { namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid ?? '' },
  workload: { kind: '', name: '' },
  condition: status?.phase === 'Running' ? 'Unknown' : 'Starting',
  reason: status?.phase === 'Running' ? 'was not asked' : `the pod is ${status?.phase ?? 'Pending'}`,
  connected: false,
  responsive: false,
});

async function asked(cluster: Cluster, pod: Pod): Promise<ShownProxy> {
  const plain = listed(pod);
  if (plain.condition === 'Starting') return plain;
  try {
    const [config, certificates, stats] = await Promise.all([
      proxyPage(cluster, pod, '/config'),
      proxyPage(cluster, pod, '/certificates'),
      proxyPage(cluster, pod, '/stats'),
    ]);
    return { ...plain, ...facts(config, certificates), ...spoken(stats) };
  } catch (error) {
    return { ...plain, reason: String(error) };
  }
}

function facts(
  { document, inForceSince, refused }: ConfigPage,
  { inUse }: CertificatesPage,
): Partial<ShownProxy> {
  const [leaf] = inUse?.chain ?? [];
  const [refusal] = refused;
  const { epoch, revision, hash, resources: inDocument, workload } = document ?? {};
  return {
    ...(workload ? { workload: { kind: workload.kind, name: workload.name } } : {}),
    ...(epoch && revision && hash && inDocument
      ? { inForce: { epoch, revision, hash, since: inForceSince ?? '', resources: inDocument } }
      : {}),
    ...(refusal ? { condition: 'Refused', reason: `${refusal.code}: ${refusal.message}` } : {}),
    ...(leaf ? { certificate: { serial: leaf.serial, notAfter: leaf.notAfter } } : {}),
  };
}

const spoken = ({ version, control }: StatsPage): Partial<ShownProxy> => ({
  proxyVersion: version,
  connected: control.connected === true,
  responsive: control.connected === true,
});

/** In the order of their names; of more than MAX_ASKED_PROXIES pods none is asked. */
export async function askProxies(cluster: Cluster, namespace: string | undefined): Promise<ShownProxy[]> {
  const { items } = await cluster.client.list(resources.pods, { namespace });
  const pods = items.filter(hasProxy).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (pods.length > MAX_ASKED_PROXIES) return pods.map(listed);
  const rows: ShownProxy[] = [];
  for (let at = 0; at < pods.length; at += AT_ONCE)
    rows.push(...(await Promise.all(pods.slice(at, at + AT_ONCE).map((pod) => asked(cluster, pod)))));
  return rows;
}
