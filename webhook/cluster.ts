/** ClusterView from a real API server: small things are watched, owners and pods are asked for when needed. */
import {
  parseMeshConfig,
  parseMeshConfigSpec,
  parseMeshPolicy,
  type MeshConfigSpec,
  type MeshPolicy,
} from '../core/api/index.ts';
import { annotation, label } from '../core/model/names.ts';
import type { OwnedMeta, OwnerReference } from '../core/model/workload.ts';
import { Reflector, resources, type KubeClient, type Resource } from '../kube/index.ts';
import type { KubernetesVersion } from './inject/index.ts';
import { Lookup } from './lookup.ts';
import type { ClusterView, SelectedPods } from './view.ts';

/** Together less than the webhook's timeout (5 s by the chart), so that an answer is given in any case. */
const OWNER_TIMEOUT_MS = 2_000;
const PODS_TIMEOUT_MS = 1_500;
const MAX_OWNERS = 2_000;
const MAX_PENDING = 100;
/** A namespace too new for the watch: remembered only for the burst of its first pods. */
const NEW_NAMESPACE_TTL_MS = 500;
const OWNER_TTL_MS = 10 * 60_000;
/** Enough to say whether a policy selects anything. */
const MAX_PODS = 500;

export interface ClusterOptions {
  client: KubeClient;
  systemNamespace: string;
  /** In force while there is no MeshConfig. */
  trustDomain: string;
  kubernetes: KubernetesVersion;
  onError: (what: string, error: Error) => void;
}

function defaults(trustDomain: string): MeshConfigSpec {
  const spec = parseMeshConfigSpec({ trustDomain });
  if (!spec.ok) throw new Error(`the defaults of MeshConfig are invalid: ${spec.error[0]?.message}`);
  return spec.value;
}

const ownerKey = (namespace: string, { kind, name, uid = '' }: OwnerReference): string =>
  `${kind}/${namespace}/${name}/${uid}`;

/** Asks for ReplicaSets and Jobs; those of another uid than the reference says are somebody else's. */
function ownerLookup({ client }: ClusterOptions): Lookup<OwnedMeta> {
  return new Lookup<OwnedMeta>({
    max: MAX_OWNERS,
    maxPending: MAX_PENDING,
    ttlMs: OWNER_TTL_MS,
    now: () => performance.now(),
    load: async (key) => {
      const [kind, namespace, name = '', uid] = key.split('/');
      const resource: Resource = kind === 'ReplicaSet' ? resources.replicaSets : resources.jobs;
      const options = { timeoutMs: OWNER_TIMEOUT_MS, retries: 0 };
      const found = await client.find(resource, { namespace, name }, options);
      if (!found || (uid && found.metadata.uid !== uid)) return undefined;
      const { ownerReferences } = found.metadata;
      return ownerReferences ? { ownerReferences } : {};
    },
  });
}

function namespaceLookup({ client }: ClusterOptions): Lookup<Readonly<Record<string, string>>> {
  return new Lookup<Readonly<Record<string, string>>>({
    max: MAX_PENDING,
    maxPending: MAX_PENDING,
    ttlMs: NEW_NAMESPACE_TTL_MS,
    now: () => performance.now(),
    load: async (name) => {
      const options = { timeoutMs: OWNER_TIMEOUT_MS, retries: 0 };
      const found = await client.find(resources.namespaces, { name }, options);
      return found && (found.metadata.labels ?? {});
    },
  });
}

/** Starts watching. `synced` turns true by itself; `stop` ends it. */
export function watchCluster(options: ClusterOptions): ClusterView & { stop(): Promise<void> } {
  const { client, onError } = options;
  const report = (what: string) => (error: Error) => onError(what, error);
  const owners = ownerLookup(options);
  const newNamespaces = namespaceLookup(options);
  let mesh = defaults(options.trustDomain);

  const namespaces = new Reflector({
    client,
    resource: resources.namespaces,
    metadataOnly: true,
    transform: ({ metadata }) => metadata.labels ?? {},
    onError: report('namespaces'),
  }).start();
  const policies = new Reflector({
    client,
    resource: resources.meshPolicies,
    transform: (raw) => parseMeshPolicy(raw),
    onError: report('meshpolicies'),
  }).start();
  const config = new Reflector({
    client,
    resource: resources.meshConfigs,
    fieldSelector: 'metadata.name=default',
    transform: (raw) => parseMeshConfig(raw),
    onChange: ({ type, object }) => {
      if (type === 'Deleted') mesh = defaults(options.trustDomain);
      else if (object.ok) mesh = object.value.spec;
      // the last good one stays
      else onError('meshconfigs', new Error(object.error.map((p) => `${p.field}: ${p.message}`).join('; ')));
    },
    onError: report('meshconfigs'),
  }).start();
  const reflectors = [namespaces, policies, config];

  async function namespaceLabels(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const known = namespaces.store.get(name);
    if (known?.[label.injection] === 'enabled') return known;
    // The API server asks because of the labels as they are now: the watch may not have told of them yet.
    try {
      return await newNamespaces.get(name);
    } catch (error) {
      if (known === undefined) throw error;
      onError(`namespace ${name}`, error as Error);
      return known;
    }
  }

  async function owner(namespace: string, reference: OwnerReference): Promise<OwnedMeta | undefined> {
    try {
      return await owners.get(ownerKey(namespace, reference));
    } catch (error) {
      onError(`${reference.kind} ${namespace}/${reference.name}`, error as Error);
      return undefined;
    }
  }

  async function podsOf({ metadata, spec }: MeshPolicy): Promise<SelectedPods | undefined> {
    const everywhere = metadata.namespace === options.systemNamespace;
    const selector = Object.entries(spec.selector?.matchLabels ?? {}).map(
      ([key, value]) => `${key}=${value}`,
    );
    try {
      const { items } = await client.list(resources.pods, {
        ...(everywhere ? {} : { namespace: metadata.namespace }),
        ...(selector.length > 0 ? { labelSelector: selector.join(',') } : {}),
        limit: MAX_PODS,
        metadataOnly: true,
        timeoutMs: PODS_TIMEOUT_MS,
        retries: 0,
      });
      return items.map((pod) => ({
        namespace: pod.metadata.namespace ?? '',
        labels: pod.metadata.labels ?? {},
        proxy: pod.metadata.annotations?.[annotation.proxy],
      }));
    } catch (error) {
      onError('pods', error as Error);
      return undefined;
    }
  }

  return {
    namespaceLabels,
    owner,
    podsOf,
    policies: () => policies.store.values().flatMap((policy) => (policy.ok ? [policy.value] : [])),
    mesh: () => mesh,
    trustDomain: () => mesh.trustDomain,
    kubernetes: options.kubernetes,
    get synced() {
      return reflectors.every(({ isSynced }) => isSynced);
    },
    stop: async () => {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },
  };
}
