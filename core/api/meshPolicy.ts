import { Type, type Static } from 'typebox';
import { Closed, Conditions, type Condition, type Kind, type ObjectMeta } from './common.ts';

export const MtlsMode = Type.Enum(['Strict', 'Permissive', 'Disabled']);
export type MtlsMode = Static<typeof MtlsMode>;

const list = (description: string, item: { pattern?: string } = {}) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 512, ...item }), {
      description,
      minItems: 1,
      maxItems: 128,
    }),
  );

const WILDCARDS = 'Exact, `prefix*`, `*suffix`, or `*` for any non-empty value.';
const SERVICE_ACCOUNT = '^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';
const NAMESPACE = '^(\\*|\\*?[a-z0-9]([-a-z0-9]*[a-z0-9])?\\*?|[a-z0-9][-a-z0-9]*\\*)$';
const PORT_NUMBER =
  '^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$';

/** One source: all fields that are present must hold; within a field one value suffices. */
export const PolicySource = Closed(
  {
    serviceAccounts: list('`namespace/name`, or `name` in the namespace of this policy.', {
      pattern: SERVICE_ACCOUNT,
    }),
    notServiceAccounts: list('Holds for every identity but these.', { pattern: SERVICE_ACCOUNT }),
    namespaces: list(`Namespaces of the caller. ${WILDCARDS}`, { pattern: NAMESPACE }),
    notNamespaces: list('Holds for every namespace but these.', { pattern: NAMESPACE }),
    principals: list(`SPIFFE ids, such as \`spiffe://cluster.local/ns/shop/sa/cart\`. ${WILDCARDS}`),
    notPrincipals: list('Holds for every SPIFFE id but these.'),
    ipBlocks: list('CIDRs or addresses of the peer, as seen by the proxy.'),
    notIpBlocks: list('Holds for every address but these.'),
    requestPrincipals: list('Reserved for JWT principals; refused by this version.'),
    notRequestPrincipals: list('Reserved for JWT principals; refused by this version.'),
  },
  { minProperties: 1 },
);
export type PolicySource = Static<typeof PolicySource>;

/** One operation: all fields that are present must hold; within a field one value suffices. */
export const PolicyOperation = Closed(
  {
    methods: list('HTTP methods, upper case.', { pattern: "^[!#$%&'*+.^_`|~0-9A-Z-]+$" }),
    notMethods: list('Holds for every method but these.', { pattern: "^[!#$%&'*+.^_`|~0-9A-Z-]+$" }),
    paths: list(`Paths without the query. ${WILDCARDS}`),
    notPaths: list('Holds for every path but these.'),
    hosts: list(`Host header without port, without regard to case. ${WILDCARDS}`),
    notHosts: list('Holds for every host but these.'),
    ports: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
        description: 'Ports of the workload (not of the Service).',
        minItems: 1,
        maxItems: 128,
      }),
    ),
    notPorts: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, maxItems: 128 }),
    ),
  },
  { minProperties: 1 },
);
export type PolicyOperation = Static<typeof PolicyOperation>;

export const PolicyRule = Closed({
  name: Type.Optional(
    Type.String({
      description: 'Shown when the rule decides.',
      minLength: 1,
      maxLength: 63,
      pattern: '^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
    }),
  ),
  action: Type.Enum(['Allow', 'Deny', 'Audit'], {
    default: 'Allow',
    description: 'Deny wins over Allow. Audit only reports that it matched.',
  }),
  from: Type.Optional(
    Type.Array(PolicySource, {
      description: 'Any of these callers. Absent: any caller.',
      minItems: 1,
      maxItems: 64,
    }),
  ),
  to: Type.Optional(
    Type.Array(PolicyOperation, {
      description: 'Any of these operations. Absent: any operation.',
      minItems: 1,
      maxItems: 64,
    }),
  ),
  when: Type.Optional(
    Type.String({ description: 'Reserved for a CEL condition; refused by this version.', maxLength: 4096 }),
  ),
});
export type PolicyRule = Static<typeof PolicyRule>;

const Selector = Closed(
  {
    matchLabels: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 63 }), {
        description: 'Labels that a pod must have, all of them.',
        maxProperties: 32,
      }),
    ),
  },
  {
    description:
      'Pods that the policy applies to. Absent or empty: every workload of the namespace; in the system namespace, of the mesh.',
  },
);

export const MeshPolicySpec = Closed(
  {
    selector: Type.Optional(Selector),
    mode: Type.Enum(['Enforce', 'Shadow'], {
      default: 'Enforce',
      description: 'Shadow: evaluate and report, never refuse; the whole policy is inert, mTLS included.',
    }),
    mtls: Type.Optional(
      Closed(
        {
          mode: Type.Optional(
            Type.Enum(['Strict', 'Permissive', 'Disabled'], {
              description:
                'Strict: only mTLS. Permissive: mTLS and plain text. Disabled: clients of the mesh send plain text.',
            }),
          ),
          ports: Type.Optional(
            Type.Record(Type.String({ pattern: PORT_NUMBER }), MtlsMode, {
              description: 'Mode per port of the workload, such as `{"9000": Permissive}`.',
              additionalProperties: false,
              maxProperties: 64,
              'x-kubernetes-validations': [
                {
                  rule: `self.all(port, port.matches('${PORT_NUMBER}'))`,
                  message: 'keys must be port numbers from 1 to 65535, as strings',
                },
              ],
            }),
          ),
        },
        { minProperties: 1 },
      ),
    ),
    jwt: Type.Optional(
      Type.Array(
        Closed({
          issuer: Type.String({ minLength: 1 }),
          audiences: list('Accepted audiences.'),
          jwksUri: Type.Optional(Type.String()),
        }),
        { description: 'Reserved for JWT authentication; refused by this version.', maxItems: 16 },
      ),
    ),
    authorization: Type.Optional(
      Closed({
        default: Type.Optional(
          Type.Enum(['Allow', 'Deny'], {
            description:
              'What happens where no rule matches. Absent: Deny if any Allow rule selects the workload, else Allow.',
          }),
        ),
        rules: Type.Optional(Type.Array(PolicyRule, { maxItems: 256 })),
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: 'has(self.mtls) || has(self.authorization) || has(self.jwt)',
        message: 'a policy needs mtls or authorization',
      },
      { rule: '!has(self.jwt)', message: 'jwt is not supported by this version', fieldPath: '.jwt' },
    ],
  },
);
export type MeshPolicySpec = Static<typeof MeshPolicySpec>;

export const MeshPolicyStatus = Closed({
  observedGeneration: Type.Optional(Type.Integer({ minimum: 0 })),
  applied: Type.Optional(
    Type.String({
      description: 'Proxies that run this generation, of the running ones that it selects: `3/3`.',
    }),
  ),
  appliedIn: Type.Optional(
    Type.String({
      description: 'How long this generation took until all of these proxies had it: `84ms`.',
      maxLength: 40,
    }),
  ),
  rules: Type.Optional(Type.Integer({ minimum: 0, description: 'Number of authorization rules.' })),
  late: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Pods whose proxy does not run this generation yet, or does not answer (the first ten).',
      maxItems: 10,
    }),
  ),
  conditions: Type.Optional(Conditions),
});

export interface MeshPolicyStatus {
  observedGeneration?: number;
  applied?: string;
  appliedIn?: string;
  rules?: number;
  late?: string[];
  conditions?: Condition[];
}

export interface MeshPolicy {
  apiVersion: string;
  kind: 'MeshPolicy';
  metadata: ObjectMeta;
  spec: MeshPolicySpec;
  status?: MeshPolicyStatus;
}

export const meshPolicyKind: Kind = {
  kind: 'MeshPolicy',
  plural: 'meshpolicies',
  singular: 'meshpolicy',
  shortNames: ['mp'],
  scope: 'Namespaced',
  description: 'What a workload accepts: its mTLS mode and who may call what.',
  spec: MeshPolicySpec,
  status: MeshPolicyStatus,
  printerColumns: [
    { name: 'MTLS', type: 'string', jsonPath: '.spec.mtls.mode' },
    { name: 'Rules', type: 'integer', jsonPath: '.status.rules' },
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    {
      name: 'Applied',
      type: 'string',
      jsonPath: '.status.applied',
      description: 'Proxies that run this version of the resource, out of those that it selects',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    {
      name: 'Generation',
      type: 'integer',
      jsonPath: '.status.observedGeneration',
      description: 'Version of the resource that APPLIED speaks of',
      priority: 1,
    },
    {
      name: 'Applied-In',
      type: 'string',
      jsonPath: '.status.appliedIn',
      description: 'Time until every proxy had it',
      priority: 1,
    },
    {
      name: 'Accepted',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Accepted')].status",
      priority: 1,
    },
    {
      name: 'Message',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Applied')].message",
      priority: 1,
    },
  ],
};
