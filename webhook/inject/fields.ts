/** Every field that injection sets, and why. docs/injection.md holds this table; tests compare both with the patch. */

export interface FieldReason {
  /** Path with names in place of positions; `*` is any container of the user. Covers all below it. */
  field: string;
  why: string;
}

const INIT = 'spec.initContainers[weft-init]';
const PROXY = 'spec.initContainers[weft-proxy]';

const both = (field: string, why: string): FieldReason[] =>
  [INIT, PROXY].map((at) => ({ field: `${at}.${field}`, why }));

const probe = (list: string): FieldReason[] =>
  ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((field) => [
    {
      field: `spec.${list}[*].${field}.httpGet`,
      why: 'kubelet asks the proxy, which asks the application inside the pod, so that probes work under Strict mTLS',
    },
    {
      field: `spec.${list}[*].${field}.tcpSocket`,
      why: 'replaced by httpGet on the health port: the proxy opens the connection instead of kubelet',
    },
    {
      field: `spec.${list}[*].${field}.grpc`,
      why: 'replaced by httpGet on the health port: the proxy makes the gRPC call instead of kubelet',
    },
  ]);

export const fieldReasons: readonly FieldReason[] = [
  {
    field: 'metadata.annotations[weft.dev/proxy]',
    why: 'says that the pod has a proxy, of which version, and which wires it speaks; peers and the operator read it',
  },
  ...probe('containers'),
  ...probe('initContainers'),

  ...both('name', 'the proxy’s own name, refused for containers of the user'),
  ...both('image', 'one image holds all of Weft; `WEFT_PROXY_IMAGE` of the webhook, or --image'),
  ...both('imagePullPolicy', 'as the chart says; absent: the default of Kubernetes'),
  ...both('command', 'which program of the image runs'),
  ...both('resources', 'MeshConfig `spec.proxy.resources`, overridden by `weft.dev/proxy-cpu` and `-memory`'),
  ...both('terminationMessagePolicy', '`kubectl describe` shows the last lines of the log if it fails'),
  ...both('securityContext.readOnlyRootFilesystem', 'nothing is written outside mounted volumes'),
  ...both('securityContext.allowPrivilegeEscalation', 'no way to more rights than given here'),
  ...both('securityContext.seccompProfile', 'the runtime’s default filter, whatever the pod says'),
  ...both('securityContext.capabilities.drop', 'starts from none'),

  {
    field: `${INIT}.volumeMounts`,
    why: 'only the pod’s labels, at the path of the token for the Kubernetes API, which is thereby not mounted',
  },
  { field: `${INIT}.env[WEFT_OUTBOUND_PORT]`, why: 'where outgoing connections are redirected to' },
  { field: `${INIT}.env[WEFT_INBOUND_PORT]`, why: 'where incoming connections are redirected to' },
  { field: `${INIT}.env[WEFT_EXCLUDE_INBOUND_PORTS]`, why: 'annotation `weft.dev/exclude-inbound-ports`' },
  { field: `${INIT}.env[WEFT_EXCLUDE_OUTBOUND_PORTS]`, why: 'annotation `weft.dev/exclude-outbound-ports`' },
  { field: `${INIT}.env[WEFT_EXCLUDE_OUTBOUND_CIDRS]`, why: 'annotation `weft.dev/exclude-outbound-cidrs`' },
  { field: `${INIT}.securityContext.runAsUser`, why: 'nftables rules can be set by root only' },
  { field: `${INIT}.securityContext.runAsGroup`, why: 'as its user' },
  { field: `${INIT}.securityContext.runAsNonRoot`, why: 'a pod-wide `true` would keep it from starting' },
  {
    field: `${INIT}.securityContext.capabilities.add`,
    why: 'NET_ADMIN alone, for the rules of the pod’s own network',
  },

  { field: `${PROXY}.restartPolicy`, why: 'native sidecar: up before the application, until after its end' },
  { field: `${PROXY}.env[WEFT_POD_NAME]`, why: 'whose proxy this is: reports and logs' },
  { field: `${PROXY}.env[WEFT_POD_NAMESPACE]`, why: 'namespace of its identity and of short service names' },
  { field: `${PROXY}.env[WEFT_POD_UID]`, why: 'tells a pod from its successor of the same name in reports' },
  { field: `${PROXY}.env[WEFT_POD_IPS]`, why: 'addresses on which it accepts, and by which it knows itself' },
  { field: `${PROXY}.env[WEFT_NODE_NAME]`, why: 'logs, and endpoints that are near' },
  { field: `${PROXY}.env[WEFT_SERVICE_ACCOUNT]`, why: 'the identity that its certificate must carry' },
  { field: `${PROXY}.env[WEFT_WORKLOAD_KIND]`, why: 'whose configuration it runs by' },
  { field: `${PROXY}.env[WEFT_WORKLOAD_NAME]`, why: 'whose configuration it runs by' },
  {
    field: `${PROXY}.env[WEFT_TRUST_DOMAIN]`,
    why: 'the trust domain of identities that it accepts at start',
  },
  {
    field: `${PROXY}.env[WEFT_SYSTEM_NAMESPACE]`,
    why: 'the namespace in whose identity the operator must prove itself',
  },
  { field: `${PROXY}.env[WEFT_CONTROL]`, why: 'the operator, to which it reports what is in force' },
  { field: `${PROXY}.env[WEFT_CONFIG_DIR]`, why: 'where `config.json` is mounted' },
  { field: `${PROXY}.env[WEFT_DIRECTORY_DIR]`, why: 'where `directory.json` is mounted' },
  { field: `${PROXY}.env[WEFT_IDENTITY_DIR]`, why: 'where certificate, key and trust bundle are mounted' },
  { field: `${PROXY}.env[WEFT_POD_INFO_DIR]`, why: 'where the pod’s labels are mounted' },
  { field: `${PROXY}.env[WEFT_TOKEN_FILE]`, why: 'where the token is mounted' },
  { field: `${PROXY}.env[WEFT_RUN_DIR]`, why: 'where the control socket is made' },
  {
    field: `${PROXY}.env[WEFT_LOG_LEVEL]`,
    why: 'annotation `weft.dev/log-level`; absent: MeshConfig `spec.proxy.logLevel`, also later',
  },
  {
    field: `${PROXY}.env[WEFT_DRAIN_MS]`,
    why: 'annotation `weft.dev/drain`, at most the grace period less two seconds; absent: MeshConfig `spec.proxy.drain`',
  },
  {
    field: `${PROXY}.env[WEFT_WORKERS]`,
    why: 'threads that serve: the whole cores of a CPU limit of 2 or more, at most 8 and one for each 64Mi of the memory limit; absent: one',
  },
  {
    field: `${PROXY}.env[NODE_OPTIONS]`,
    why: 'memory: a heap of at most 60 % of the limit that the container really has, a small young generation, and a collection before it serves',
  },
  {
    field: `${PROXY}.env[MALLOC_ARENA_MAX]`,
    why: 'memory: what one thread gave back, all can use',
  },
  { field: `${PROXY}.env[WEFT_PROBES]`, why: 'the application’s probes, which the proxy makes for kubelet' },
  { field: `${PROXY}.ports[weft-metrics]`, why: 'a name for the metrics port, for PodMonitors' },
  {
    field: `${PROXY}.startupProbe`,
    why: 'the application waits until the proxy has configuration and certificate',
  },
  { field: `${PROXY}.readinessProbe`, why: 'a proxy that cannot serve takes the pod out of its Services' },
  {
    field: `${PROXY}.lifecycle.preStop`,
    why: 'begins the drain at once; SIGTERM comes only after the application ended',
  },
  {
    field: `${PROXY}.securityContext.runAsUser`,
    why: '1337: the user whose traffic is not redirected again',
  },
  { field: `${PROXY}.securityContext.runAsGroup`, why: '1337: user and group together are the exemption' },
  {
    field: `${PROXY}.securityContext.runAsNonRoot`,
    why: 'said, so that the restricted Pod Security level sees it',
  },

  {
    field: `${PROXY}.volumeMounts`,
    why: 'the volumes below; the labels also at the path of the API token, which is thereby not mounted',
  },

  {
    field: 'spec.volumes[weft-config]',
    why: 'ConfigMap of the workload; optional, so that pods start before it is written',
  },
  {
    field: 'spec.volumes[weft-directory]',
    why: 'ConfigMap of the namespace: every service of the mesh; optional',
  },
  {
    field: 'spec.volumes[weft-identity]',
    why: 'Secret of the ServiceAccount: its certificate; optional, mode 0444',
  },
  {
    field: 'spec.volumes[weft-pod]',
    why: 'the pod’s labels, by which the proxy picks its section of the document',
  },
  {
    field: 'spec.volumes[weft-token]',
    why: 'ServiceAccount token for the audience `weft.dev`, good for nothing else',
  },
  {
    field: 'spec.volumes[weft-run]',
    why: 'memory for the socket by which the drain is begun; on no other container',
  },
];
