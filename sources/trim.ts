/**
 * Drops what Weft does not read, before an object is kept: of a cluster's pods that is most of the memory
 * (environment, volumes, managed fields), and some of it is nobody's business. What is left is mostly the same for all
 * pods of a template, and kept once.
 */
import type {
  RawContainer,
  RawCronJob,
  RawJob,
  RawKind,
  RawMeta,
  RawObject,
  RawObjects,
  RawPod,
  RawPodSpec,
  RawTemplate,
  RawWorkload,
} from './objects.ts';
import { Pool } from './pool.ts';

/** Enough for the templates that change at one time: objects of one template come one after the other. */
const pool = new Pool(4_000);

const shared = <T extends object>(value: T | undefined): T | undefined => value && pool.share(value);

const META: readonly (keyof RawMeta)[] = [
  'name',
  'namespace',
  'uid',
  'generation',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
];

/** The fields of `object` that are named and present. */
function pick<T extends object, K extends keyof T>(object: T, fields: readonly K[]): Pick<T, K> {
  const out: Partial<T> = {};
  for (const field of fields) if (object[field] !== undefined) out[field] = object[field];
  return out as Pick<T, K>;
}

const weftAnnotations = (annotations: Readonly<Record<string, string>> | undefined) =>
  pool.share(
    Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => key.startsWith('weft.dev/'))),
  );

const meta = (source: RawMeta): RawMeta => {
  const [labels, ownerReferences] = [shared(source.labels), shared(source.ownerReferences)];
  return {
    ...pick(source, META),
    ...(labels ? { labels } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
    annotations: weftAnnotations(source.annotations),
  };
};

const onlyMeta = (object: RawObject): RawObject => ({ metadata: meta(object.metadata) });

const containers = (list: readonly RawContainer[] | undefined): RawContainer[] =>
  pool.share(
    (list ?? []).map(({ name, ports }) => ({
      name,
      ...(ports ? { ports: ports.map((port) => pick(port, ['name', 'containerPort', 'protocol'])) } : {}),
    })),
  );

const podSpec = (spec: RawPodSpec = {}): RawPodSpec => ({
  ...pick(spec, ['serviceAccountName', 'nodeName', 'hostNetwork']),
  initContainers: containers(spec.initContainers),
  containers: containers(spec.containers),
});

const template = ({ metadata, spec }: RawTemplate = {}): RawTemplate => ({
  metadata: {
    labels: pool.share(metadata?.labels ?? {}),
    annotations: weftAnnotations(metadata?.annotations),
  },
  spec: podSpec(spec),
});

const pod = ({ metadata, spec, status = {} }: RawPod): RawPod => ({
  metadata: meta(metadata),
  spec: podSpec(spec),
  status: {
    ...pick(status, ['phase', 'podIP', 'podIPs']),
    initContainerStatuses: pool.share(
      (status.initContainerStatuses ?? []).map((each) => pick(each, ['name', 'started', 'ready'])),
    ),
  },
});

const workload = ({ metadata, spec }: RawWorkload): RawWorkload => ({
  metadata: meta(metadata),
  spec: { template: template(spec?.template) },
});

const job = ({ metadata, spec, status }: RawJob): RawJob => ({
  metadata: meta(metadata),
  spec: { template: template(spec?.template) },
  status: { conditions: (status?.conditions ?? []).map((each) => pick(each, ['type', 'status'])) },
});

const cronJob = ({ metadata, spec }: RawCronJob): RawCronJob => ({
  metadata: meta(metadata),
  spec: { jobTemplate: { spec: { template: template(spec?.jobTemplate?.spec?.template) } } },
});

type Trim<T> = (object: T) => T;

/** What is kept of an object, by kind. */
export const trims: { readonly [K in RawKind]: Trim<RawObjects[K][number]> } = {
  namespaces: onlyMeta,
  nodes: onlyMeta,
  serviceAccounts: onlyMeta,
  replicaSets: onlyMeta,
  pods: pod,
  deployments: workload,
  statefulSets: workload,
  daemonSets: workload,
  jobs: job,
  cronJobs: cronJob,
  services: ({ metadata, spec = {} }) => ({
    metadata: meta(metadata),
    spec: pick(spec, ['type', 'clusterIP', 'clusterIPs', 'externalName', 'selector', 'ports']),
  }),
  endpointSlices: ({ metadata, ...slice }) => ({
    metadata: meta(metadata),
    ...pick(slice, ['addressType', 'endpoints', 'ports']),
  }),
  // mesh resources stay whole but for their history: their unknown fields are to be refused by name
  meshPolicies: ({ metadata, ...rest }) => ({ ...rest, metadata: meta(metadata) }),
  meshConfigs: ({ metadata, ...rest }) => ({ ...rest, metadata: meta(metadata) }),
};
