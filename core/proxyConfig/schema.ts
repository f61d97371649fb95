import { Type, type Static } from 'typebox';
import { DOCUMENT_VERSION, WIRES } from './version.ts';

const Obj = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
/** Fields of later versions are ignored: here they tell of abilities that this version does well without (ADR 9). */
const Open = <P extends Parameters<typeof Type.Object>[0]>(properties: P) => Type.Object(properties);
const Text = Type.String({ minLength: 1 });
const Port = Type.Integer({ minimum: 1, maximum: 65535 });
const Mode = Type.Enum(['Strict', 'Permissive', 'Disabled']);
const Texts = Type.Array(Text);

/** A decimal number without bound, as Kubernetes' resourceVersion (comparable since 1.35). */
const Revision = Type.String({ pattern: '^[0-9]{1,24}$' });

/** One caller. All fields that are present must hold; one value of each suffices. Principals are SPIFFE ids. */
export const Source = Obj({
  principals: Type.Optional(Texts),
  notPrincipals: Type.Optional(Texts),
  namespaces: Type.Optional(Texts),
  notNamespaces: Type.Optional(Texts),
  ipBlocks: Type.Optional(Texts),
  notIpBlocks: Type.Optional(Texts),
});
export type Source = Static<typeof Source>;

/** One operation. All fields that are present must hold; one value of each suffices. */
export const Operation = Obj({
  methods: Type.Optional(Texts),
  notMethods: Type.Optional(Texts),
  paths: Type.Optional(Texts),
  notPaths: Type.Optional(Texts),
  hosts: Type.Optional(Texts),
  notHosts: Type.Optional(Texts),
  ports: Type.Optional(Type.Array(Port)),
  notPorts: Type.Optional(Type.Array(Port)),
});
export type Operation = Static<typeof Operation>;

/** An authorization rule with the resource that it comes from. */
export const Rule = Obj({
  /** `namespace/name` of the MeshPolicy. */
  policy: Text,
  /** Its name in the policy, or `#0` by its position. */
  name: Text,
  action: Type.Enum(['Allow', 'Deny', 'Audit']),
  from: Type.Optional(Type.Array(Source)),
  to: Type.Optional(Type.Array(Operation)),
});
export type Rule = Static<typeof Rule>;

/** What a workload accepts: the policies that select it, combined (docs/meshpolicy.md says how). */
export const InboundPolicy = Obj({
  mtls: Obj({
    mode: Mode,
    /** Mode by port of the workload, where it differs from `mode`. */
    ports: Type.Record(Type.String({ pattern: '^[0-9]+$' }), Mode),
    /** `namespace/name` of the policy that decided `mode`; absent: the default. */
    policy: Type.Optional(Text),
  }),
  authorization: Obj({
    default: Type.Enum(['Allow', 'Deny']),
    /** The policies whose rules or default made `default` what it is; empty: no policy. */
    policies: Texts,
    rules: Type.Array(Rule),
  }),
});
export type InboundPolicy = Static<typeof InboundPolicy>;

export const Protocol = Type.Enum(['Http', 'Http2', 'Grpc', 'Tls', 'Tcp', 'Auto']);
export type Protocol = Static<typeof Protocol>;

/** The part for one distinct set of pod labels of the workload; the proxy picks its own by the downward API. */
export const Section = Obj({
  /** Pod labels without those that controllers generate (core/proxyConfig/labels.ts). */
  labels: Type.Record(Type.String(), Type.String()),
  inbound: InboundPolicy,
  /** What `inbound` would be if policies in Shadow mode were enforced; absent where there are none. */
  shadow: Type.Optional(InboundPolicy),
  /** Declared protocol by port of the workload (appProtocol, then port names); absent: sniffed. */
  protocols: Type.Record(Type.String({ pattern: '^[0-9]+$' }), Protocol),
});
export type Section = Static<typeof Section>;

export const Endpoint = Open({
  address: Text,
  port: Port,
  /**
   * Ready: in rotation. Terminating: serving, used only when nothing is Ready. Unprotected: policy demands mTLS, but the
   * pod has no proxy; never used. NotReady: has a proxy; used only when dialled by its own address.
   */
  state: Type.Enum(['Ready', 'Terminating', 'Unprotected', 'NotReady']),
  /** The best wire that its proxy speaks. Absent: plain text. */
  wire: Type.Optional(Type.Enum([...WIRES])),
  /** SPIFFE id that the peer must prove; present exactly when `wire` is. */
  identity: Type.Optional(Text),
  /** `namespace/pod`, for logs. */
  pod: Type.Optional(Text),
  zone: Type.Optional(Text),
  node: Type.Optional(Text),
});
export type Endpoint = Static<typeof Endpoint>;

export const ServicePort = Open({
  port: Port,
  name: Type.Optional(Text),
  protocol: Protocol,
  endpoints: Type.Array(Endpoint),
});
export type ServicePort = Static<typeof ServicePort>;

/** One service that the workload may call: a part of the document with a hash of its own. */
export const Service = Open({
  hash: Text,
  namespace: Text,
  name: Text,
  /** Cluster IPs, IPv4 and IPv6. Empty for a headless service, which is reached by its endpoints' addresses. */
  addresses: Texts,
  /** Lower-case names that resolve to it, most specific last. */
  hosts: Texts,
  ports: Type.Array(ServicePort),
});
export type Service = Static<typeof Service>;

export const Telemetry = Obj({ accessLog: Type.Enum(['All', 'Errors', 'Off']) });

export const Settings = Obj({
  logLevel: Type.Enum(['Error', 'Warn', 'Info', 'Debug']),
  connectTimeoutMs: Type.Integer({ minimum: 1 }),
  idleTimeoutMs: Type.Integer({ minimum: 1 }),
  drainMs: Type.Integer({ minimum: 0 }),
  /** RegistryOnly: what neither document nor directory knows is refused. Absent: passed through as it is. */
  outbound: Type.Optional(Type.Enum(['RegistryOnly'])),
});

/** Generation of a mesh resource that a document was made with; `uid` tells a re-created resource from its predecessor. */
export const ResourceVersion = Obj({ uid: Type.String(), generation: Type.Integer({ minimum: 0 }) });
export type ResourceVersion = Static<typeof ResourceVersion>;

/** All that a proxy of one workload runs by. `config.json` of the ConfigMap `weft.<kind>.<name>`. */
export const ProxyConfig = Obj({
  version: Type.Enum([DOCUMENT_VERSION]),
  /** Grows when revisions start again, as after a restore of the cluster; orders before `revision`. */
  epoch: Type.Integer({ minimum: 1 }),
  /** Highest resourceVersion that the document was made from. */
  revision: Revision,
  /** Hash of the content: everything but epoch, revision and hash. */
  hash: Text,
  workload: Obj({ kind: Text, namespace: Text, name: Text }),
  /** By `Kind/namespace/name`: the mesh resources in the document. */
  resources: Type.Record(Type.String(), ResourceVersion),
  trust: Obj({ trustDomain: Text }),
  telemetry: Telemetry,
  settings: Settings,
  sections: Type.Array(Section),
  services: Type.Array(Service),
});
export type ProxyConfig = Static<typeof ProxyConfig>;

/** A service in the directory: what a proxy needs to reach it by mTLS at its address, without its endpoints. */
export const DirectoryService = Open({
  namespace: Text,
  name: Text,
  /** Cluster IPs; for a headless service the addresses of its endpoints. */
  addresses: Texts,
  ports: Type.Array(Open({ port: Port, protocol: Protocol })),
  /** SPIFFE ids that its endpoints may prove. */
  identities: Texts,
  /** The best wire that all its proxies speak. Absent, in documents of older operators: `weft-tcp/1`. */
  wire: Type.Optional(Type.Enum([...WIRES])),
  /**
   * Not for this namespace: refused with SERVICE_HIDDEN, and never asked for. It has no identities. Of an address that a
   * service has that is not hidden, that one decides.
   */
  hidden: Type.Optional(Type.Boolean()),
});
export type DirectoryService = Static<typeof DirectoryService>;

/** A service of the cluster without mTLS: nothing is known of it but where it is. */
export const OutsideService = Open({
  namespace: Text,
  name: Text,
  /** Cluster IPs; for a headless service the addresses of those endpoints that are not of the mesh. */
  addresses: Texts,
  ports: Type.Array(Port),
});
export type OutsideService = Static<typeof OutsideService>;

/** `directory.json` of the ConfigMap `weft.directory`: every service of the mesh. */
export const Directory = Open({
  version: Type.Enum([DOCUMENT_VERSION]),
  epoch: Type.Integer({ minimum: 1 }),
  revision: Revision,
  hash: Text,
  services: Type.Array(DirectoryService),
  /** The services that are not of the mesh. Present exactly where MeshConfig's outbound default is RegistryOnly. */
  outside: Type.Optional(Type.Array(OutsideService)),
});
export type Directory = Static<typeof Directory>;
