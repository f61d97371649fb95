/** Codes of whoever talks to a cluster: the Kubernetes API, and the command line. */
export const clusterCodes = {
  // -- Kubernetes API
  KUBERNETES_REFUSED: {
    status: 0,
    meaning: 'the Kubernetes API refused a request',
    remedy: 'see `reason` and the message; for Forbidden check the role of the ServiceAccount',
  },
  KUBERNETES_UNREACHABLE: {
    status: 0,
    meaning: 'the Kubernetes API did not answer',
    remedy: 'check that the API server runs and can be reached; the request is made again',
  },
  KUBERNETES_ANSWER_INVALID: {
    status: 0,
    meaning: 'the Kubernetes API answered with something that is not usable',
    remedy: 'check what stands between this process and the API server',
  },
  KUBECONFIG_INVALID: {
    status: 0,
    meaning: 'no usable way to the Kubernetes API is configured',
    remedy: 'set KUBECONFIG, or run in a pod with a ServiceAccount',
  },
  PORT_FORWARD_FAILED: {
    status: 0,
    meaning: 'a port of a pod could not be reached through the API server',
    remedy: 'see the message; try `kubectl port-forward` to the same port',
  },
  // -- the command line
  POD_UNKNOWN: {
    status: 0,
    meaning: 'there is no such pod',
    remedy: 'see `kubectl get pods`; a namespace is named by -n',
  },
  PROXY_MISSING: {
    status: 0,
    meaning: 'the pod has no proxy',
    remedy: 'label its namespace weft.dev/injection=enabled and restart the workload; see docs/injection.md',
  },
  PROXY_UNREACHABLE: {
    status: 0,
    meaning: 'the admin page of a proxy did not answer',
    remedy: 'see the message, and the log of the container weft-proxy',
  },
  OPERATOR_UNREACHABLE: {
    status: 0,
    meaning: 'no replica of the operator answered',
    remedy: 'see the message, and the pods of the system namespace',
  },
} as const;
