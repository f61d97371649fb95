import { clusterCodes } from './clusterCodes.ts';

/**
 * Every code that Weft shows to a person or a program, in one list. A code is stable: it is part of the interface.
 * `meaning` says what happened, `remedy` the way out. Codes of refused requests are also the value of
 * `x-weft-reason`, of `response_flag` in metrics and of `flag` in the access log.
 */
export const codes = {
  // -- refused or failed by a proxy: HTTP status and whether a peer may send the request elsewhere
  AUTHORIZATION_DENIED: {
    status: 403,
    meaning: 'a policy does not allow this caller',
    remedy: 'see `policy` and `rule` in the body; allow the caller in that MeshPolicy',
  },
  MTLS_REQUIRED: {
    status: 403,
    meaning: 'plain text to a port whose mTLS mode is Strict',
    remedy: 'give the caller a proxy, or set the port to Permissive',
  },
  BAD_REQUEST: {
    status: 400,
    meaning: 'the request is not valid HTTP (RFC 9112, RFC 9113)',
    remedy: 'see `detail` in the body',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    meaning: 'the request head exceeds the limit',
    remedy: 'send fewer or shorter headers',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    meaning: 'the client did not finish its request in time',
    remedy: 'send the head at once, and the body without long silence',
  },
  UPSTREAM_CONNECT_FAILED: {
    status: 503,
    meaning: 'no connection to the destination could be made',
    remedy: 'check that the destination runs and listens',
  },
  UPSTREAM_CONNECT_TIMEOUT: {
    status: 504,
    meaning: 'the destination did not accept the connection in time',
    remedy: 'check the network and the destination',
  },
  UPSTREAM_RESET: {
    status: 502,
    meaning: 'the destination closed the connection before it answered',
    remedy: 'see the log of the destination',
  },
  UPSTREAM_PROTOCOL_ERROR: {
    status: 502,
    meaning: 'the destination answered with invalid HTTP',
    remedy: 'see `detail` in the body',
  },
  UPSTREAM_TIMEOUT: {
    status: 504,
    meaning: 'the destination did not answer in time',
    remedy: 'see the log of the destination',
  },
  APPLICATION_UNAVAILABLE: {
    status: 503,
    meaning: 'the application behind this proxy does not accept connections',
    remedy: 'check that the application listens on the pod address',
  },
  NO_ENDPOINT: {
    status: 503,
    meaning: 'the service has no usable endpoint',
    remedy: 'check that pods of the service are Ready',
  },
  ENDPOINT_UNPROTECTED: {
    status: 503,
    meaning: 'policy requires mTLS but the only endpoints run without a proxy',
    remedy: 'restart those pods so that they get a proxy',
  },
  PEER_IDENTITY_MISMATCH: {
    status: 503,
    meaning: 'the peer proved an identity that the destination service does not have',
    remedy: 'the address may have been re-used; it is retried elsewhere',
  },
  TLS_HANDSHAKE_FAILED: {
    status: 503,
    meaning: 'the mTLS handshake with the peer failed',
    remedy: 'compare the trust bundles and certificate times of both proxies',
  },
  OVERLOADED: {
    status: 503,
    meaning: 'a bound of this proxy is reached',
    remedy: 'see `bound` in the body; raise it or add replicas',
  },
  DRAINING: {
    status: 503,
    meaning: 'this proxy is shutting down',
    remedy: 'send the request to another endpoint',
  },
  NOT_CONFIGURED: {
    status: 503,
    meaning: 'this proxy has no configuration yet',
    remedy: 'see `weft-proxy` start-up log',
  },
  LOOP_DETECTED: {
    status: 508,
    meaning: 'the request would come back to the proxy that sent it',
    remedy: 'do not call the proxy ports directly',
  },
  UNKNOWN_DESTINATION: {
    status: 404,
    meaning: 'the destination of the request is not known',
    remedy: 'check host name and port',
  },
  OUTBOUND_NOT_REGISTERED: {
    status: 502,
    meaning: 'the destination is no service of the cluster, and MeshConfig says RegistryOnly',
    remedy: 'make it a Service, except it by `weft.dev/exclude-outbound-cidrs`, or say `AllowAny`',
  },
  SERVICE_HIDDEN: {
    status: 403,
    meaning: 'the service is not visible to the namespace of the caller',
    remedy:
      'name the namespace in the annotation weft.dev/visible-to of the Service, or change MeshConfig.spec.visibility',
  },
  CLIENT_CLOSED: {
    status: 499,
    meaning: 'the client went away before the answer was complete',
    remedy: 'none needed',
  },
  // -- configuration
  DOCUMENT_INVALID: {
    status: 0,
    meaning: 'a configuration document does not match its schema',
    remedy: 'the last good document stays in force; see `field`',
  },
  DOCUMENT_VERSION_UNKNOWN: {
    status: 0,
    meaning: 'a document of an unknown version',
    remedy: 'run proxy and operator of matching versions',
  },
  DOCUMENT_STALE: {
    status: 0,
    meaning: 'a document older than the one in force',
    remedy: 'none needed; a newer one is in force',
  },
  DOCUMENT_HASH_MISMATCH: {
    status: 0,
    meaning: 'the content of a document does not match its hash',
    remedy: 'the operator writes it again; see who changed the ConfigMap',
  },
  SECTION_MISSING: {
    status: 0,
    meaning: 'the document has no section for the labels of this pod',
    remedy: 'the operator adds it; check that the operator runs',
  },
  CONFIG_MISSING: {
    status: 0,
    meaning: 'no configuration document is mounted',
    remedy: 'check that the operator runs and can write to the namespace',
  },
  DIRECTORY_MISSING: {
    status: 0,
    meaning: 'no directory of the services of the mesh is mounted',
    remedy: 'check that the operator runs and can write to the namespace',
  },
  IDENTITY_MISSING: {
    status: 0,
    meaning: 'no certificate is mounted',
    remedy: 'check that the operator runs and can write Secrets to the namespace',
  },
  IDENTITY_INVALID: {
    status: 0,
    meaning: 'the mounted certificate cannot be used',
    remedy: 'the last good certificate stays in use; see `field`',
  },
  CERTIFICATE_EXPIRED: {
    status: 0,
    meaning: 'a certificate is not valid at this time',
    remedy: 'check the clock and that the operator runs',
  },
  IDENTITY_REFUSED: {
    status: 403,
    meaning: 'the peer has no acceptable identity',
    remedy: 'a certificate of the mesh with exactly one SPIFFE URI SAN is needed',
  },
  AUTHORITY_INVALID: {
    status: 0,
    meaning: 'the Secret with the authorities of the mesh cannot be used',
    remedy: 'restore it from a backup; it is never overwritten, and the last good one stays in use meanwhile',
  },
  AUTHORITY_MISSING: {
    status: 0,
    meaning: 'there is no usable authority of the mesh to issue certificates',
    remedy: 'see the log of the operator',
  },
  // -- resources
  UNKNOWN_FIELD: {
    status: 422,
    meaning: 'a field that this version does not know',
    remedy: 'check the spelling; nothing is ignored silently',
  },
  INVALID_FIELD: {
    status: 422,
    meaning: 'a field with a value that is not allowed',
    remedy: 'see the message',
  },
  NOT_SUPPORTED: {
    status: 422,
    meaning: 'a field whose feature this version does not have yet',
    remedy: 'remove the field',
  },
  FILE_INVALID: {
    status: 0,
    meaning: 'a file of resources cannot be read',
    remedy: 'correct it; until then what the file last said stays in force',
  },
  // -- injection
  USER_ID_RESERVED: {
    status: 422,
    meaning: "a container runs as uid or gid 1337, which is the proxy's",
    remedy: 'use another runAsUser and runAsGroup',
  },
  INVALID_ANNOTATION: {
    status: 422,
    meaning: 'an annotation of Weft has a value that is not allowed',
    remedy: 'see the message',
  },
  PORT_RESERVED: {
    status: 422,
    meaning: 'a container declares a port of the proxy (15000 to 15021)',
    remedy: 'use another port',
  },
  CLUSTER_TOO_OLD: {
    status: 422,
    meaning: 'the cluster is older than Kubernetes 1.29',
    remedy: 'upgrade; native sidecars are needed',
  },
  REVIEW_INVALID: {
    status: 400,
    meaning: 'the webhook was sent something else than an AdmissionReview v1',
    remedy: 'only the API server calls the webhook; check admissionReviewVersions of its configuration',
  },
  // -- control
  REPORT_REFUSED: {
    status: 403,
    meaning: 'a proxy spoke for a pod or a workload that is not its own',
    remedy: 'a proxy may speak only for its own pod, and gets only the document of its workload',
  },
  MESSAGE_INVALID: {
    status: 422,
    meaning: 'a message on the configuration stream is not what docs/stream.md describes',
    remedy: 'only proxies of the mesh and replicas of the operator speak on this port',
  },
  SERVICE_UNKNOWN: {
    status: 0,
    meaning: 'a proxy asked for a service that is not of the mesh',
    remedy: 'none is needed; the directory says what is of the mesh',
  },
  ASK_LIMIT: {
    status: 0,
    meaning: 'a proxy asked for more services than it may, in a short time or in all',
    remedy: 'a workload that calls so many services is served by their addresses; see docs/stream.md',
  },
  NOT_LEADER: {
    status: 421,
    meaning: 'this replica does not hold the lease',
    remedy: 'none is needed; replicas follow the lease within seconds',
  },
  ...clusterCodes,
  // -- between proxies and what they talk to
  HTTP2_FAILED: {
    status: 0,
    meaning: 'an HTTP/2 connection ended other than in order',
    remedy: 'see the message; requests go by a new connection',
  },
  // -- environment of a process
  ENVIRONMENT_INVALID: {
    status: 0,
    meaning: 'an environment variable is missing or wrong',
    remedy: 'see the message',
  },
  REDIRECTION_FAILED: {
    status: 0,
    meaning: "the redirection of a pod's traffic could not be set up",
    remedy: 'the init container needs NET_ADMIN, and the kernel nftables with NAT; see the message',
  },
} as const satisfies Record<string, { status: number; meaning: string; remedy: string }>;
