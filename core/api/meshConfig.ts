import { Type, type Static } from 'typebox';
import { Closed, Conditions, Duration, type Condition, type Kind, type ObjectMeta } from './common.ts';

const Quantity = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: 32,
    pattern: '^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$',
  });

const Amounts = (cpu: string, memory: string) =>
  Closed({ cpu: Type.Optional(Quantity(cpu)), memory: Type.Optional(Quantity(memory)) });

export const MeshConfigSpec = Closed(
  {
    trustDomain: Type.String({
      description: 'Trust domain of all identities. Fixed once set: certificates in use carry it.',
      default: 'cluster.local',
      maxLength: 253,
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      'x-kubernetes-validations': [
        { rule: 'self == oldSelf', message: 'the trust domain cannot be changed' },
      ],
    }),
    identity: Closed(
      {
        leafLifetime: Duration({
          description: 'Lifetime of a workload certificate; renewed at half of it. From 2m to 720h.',
          default: '24h',
        }),
        intermediateLifetime: Duration({
          description: 'Lifetime of the issuing certificate; renewed at half of it.',
          default: '2160h',
        }),
      },
      { default: {} },
    ),
    proxy: Closed(
      {
        resources: Closed(
          {
            requests: Type.Optional(Amounts('CPU request of the proxy.', 'Memory request of the proxy.')),
            limits: Type.Optional(Amounts('CPU limit of the proxy.', 'Memory limit of the proxy.')),
          },
          { default: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '256Mi' } } },
        ),
        logLevel: Type.Enum(['Error', 'Warn', 'Info', 'Debug'], { default: 'Info' }),
        drain: Duration({
          description: 'How long a proxy that is shutting down lets running requests finish.',
          default: '25s',
        }),
        connectTimeout: Duration({
          description: 'Time to connect to a destination, TLS handshake included.',
          default: '5s',
        }),
        idleTimeout: Duration({
          description: 'An HTTP connection of an application without a request is closed after this.',
          default: '1h',
        }),
      },
      { default: {} },
    ),
    outbound: Closed(
      {
        default: Type.Enum(['AllowAny', 'RegistryOnly'], {
          default: 'AllowAny',
          description:
            'What workloads reach beside services of the mesh. AllowAny: everything, as it is. RegistryOnly: Services of the cluster; anything else is refused by their proxy.',
        }),
      },
      { default: {} },
    ),
    visibility: Closed(
      {
        default: Type.Enum(['Mesh', 'Namespace'], {
          default: 'Mesh',
          description:
            'Who may call a service that has no annotation weft.dev/visible-to. Mesh: all workloads of the mesh. Namespace: those of its own namespace.',
        }),
      },
      { default: {} },
    ),
    telemetry: Closed(
      {
        accessLog: Type.Enum(['All', 'Errors', 'Off'], {
          default: 'All',
          description: 'Errors: only answers of 400 and above and what a proxy refused.',
        }),
      },
      { default: {} },
    ),
  },
  {
    default: {},
  },
);
export type MeshConfigSpec = Static<typeof MeshConfigSpec>;

export const MeshConfigStatus = Closed({
  observedGeneration: Type.Optional(Type.Integer({ minimum: 0 })),
  proxies: Type.Optional(Type.Integer({ minimum: 0, description: 'Running proxies of the mesh.' })),
  applied: Type.Optional(
    Type.String({ description: 'Proxies that run this generation, of the running ones: `12/12`.' }),
  ),
  appliedIn: Type.Optional(
    Type.String({
      description: 'How long this generation took until all proxies had it: `84ms`.',
      maxLength: 40,
    }),
  ),
  conditions: Type.Optional(Conditions),
});

export interface MeshConfigStatus {
  observedGeneration?: number;
  proxies?: number;
  applied?: string;
  appliedIn?: string;
  conditions?: Condition[];
}

export interface MeshConfig {
  apiVersion: string;
  kind: 'MeshConfig';
  metadata: ObjectMeta;
  spec: MeshConfigSpec;
  status?: MeshConfigStatus;
}

export const meshConfigKind: Kind = {
  kind: 'MeshConfig',
  plural: 'meshconfigs',
  singular: 'meshconfig',
  shortNames: ['mc'],
  scope: 'Cluster',
  description: 'Settings of the whole mesh. There is one, named `default`.',
  spec: MeshConfigSpec,
  status: MeshConfigStatus,
  printerColumns: [
    { name: 'Trust-Domain', type: 'string', jsonPath: '.spec.trustDomain' },
    { name: 'Leaf-Lifetime', type: 'string', jsonPath: '.spec.identity.leafLifetime' },
    { name: 'Outbound', type: 'string', jsonPath: '.spec.outbound.default' },
    { name: 'Applied', type: 'string', jsonPath: '.status.applied' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  rules: [{ rule: "self.metadata.name == 'default'", message: 'there is one MeshConfig, named default' }],
};
