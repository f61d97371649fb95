/**
 * The shape of objects that people write into files. The API server checks what it serves; a file is checked here,
 * as far as it is read, so that a mistake has a place and a name. What is not read may be anything.
 */
import { Type, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { RawKind } from './objects.ts';

const optional = <P extends Record<string, TSchema>>(properties: P) =>
  Type.Object(
    Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)])),
  );

const Text = Type.String();
const Texts = Type.Record(Text, Text);
const Port = Type.Integer({ minimum: 1, maximum: 65535 });
const list = (item: TSchema) => Type.Array(item);

const Meta = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 253 }),
  namespace: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
  uid: Type.Optional(Text),
  generation: Type.Optional(Type.Integer({ minimum: 0 })),
  resourceVersion: Type.Optional(Text),
  creationTimestamp: Type.Optional(Text),
  deletionTimestamp: Type.Optional(Text),
  labels: Type.Optional(Texts),
  annotations: Type.Optional(Texts),
  ownerReferences: Type.Optional(
    list(
      Type.Object({ apiVersion: Text, kind: Text, name: Text, controller: Type.Optional(Type.Boolean()) }),
    ),
  ),
});

const Containers = list(
  Type.Object({
    name: Text,
    ports: Type.Optional(
      list(
        Type.Object({
          name: Type.Optional(Text),
          containerPort: Port,
          protocol: Type.Optional(Text),
        }),
      ),
    ),
  }),
);
const PodSpec = optional({
  serviceAccountName: Text,
  nodeName: Text,
  hostNetwork: Type.Boolean(),
  initContainers: Containers,
  containers: Containers,
});
const Template = optional({ metadata: optional({ labels: Texts, annotations: Texts }), spec: PodSpec });

const object = (fields: Record<string, TSchema> = {}) =>
  Type.Object({
    metadata: Meta,
    ...Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, Type.Optional(schema)])),
  });
const meta = object();
const workload = object({ spec: optional({ template: Template }) });

const service = object({
  spec: optional({
    type: Text,
    clusterIP: Text,
    clusterIPs: list(Text),
    externalName: Text,
    selector: Texts,
    ports: list(
      Type.Object({
        name: Type.Optional(Text),
        port: Port,
        protocol: Type.Optional(Text),
        appProtocol: Type.Optional(Text),
        targetPort: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: 65535 }), Text])),
      }),
    ),
  }),
});

const endpointSlice = object({
  addressType: Type.Enum(['IPv4', 'IPv6', 'FQDN']),
  endpoints: list(
    optional({
      addresses: list(Text),
      conditions: optional({ ready: Type.Boolean(), serving: Type.Boolean(), terminating: Type.Boolean() }),
      hostname: Text,
      nodeName: Text,
      zone: Text,
      targetRef: optional({ kind: Text, namespace: Text, name: Text, uid: Text }),
    }),
  ),
  ports: list(optional({ name: Text, port: Port, protocol: Text })),
});

const pod = object({
  spec: PodSpec,
  status: optional({
    phase: Text,
    podIP: Text,
    podIPs: list(optional({ ip: Text })),
    initContainerStatuses: list(
      Type.Object({
        name: Text,
        started: Type.Optional(Type.Boolean()),
        ready: Type.Optional(Type.Boolean()),
      }),
    ),
  }),
});

const shapes: Readonly<Record<RawKind, TSchema>> = {
  namespaces: meta,
  nodes: meta,
  serviceAccounts: meta,
  replicaSets: meta,
  // their spec is judged like that of any mesh resource, whichever source it came from
  meshPolicies: meta,
  meshConfigs: meta,
  services: service,
  endpointSlices: endpointSlice,
  pods: pod,
  deployments: workload,
  statefulSets: workload,
  daemonSets: workload,
  jobs: object({
    spec: optional({ template: Template }),
    status: optional({ conditions: list(Type.Object({ type: Text, status: Text })) }),
  }),
  cronJobs: object({ spec: optional({ jobTemplate: optional({ spec: optional({ template: Template }) }) }) }),
};

const pathOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^[0-9]+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');

/** What is wrong with an object of a kind; undefined where nothing is. `field` is such as `spec.ports[0].port`. */
export function shapeProblem(kind: RawKind, value: unknown): { field: string; message: string } | undefined {
  const [error] = Value.Errors(shapes[kind], value);
  if (!error) return undefined;
  const { requiredProperties } = error.params as { requiredProperties?: string[] };
  const at = pathOf(error.instancePath);
  const missing = requiredProperties?.[0];
  return missing === undefined
    ? { field: at, message: error.message }
    : { field: at === '' ? missing : `${at}.${missing}`, message: 'is required' };
}
