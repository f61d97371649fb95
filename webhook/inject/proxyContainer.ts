/** `weft-proxy`: a native sidecar, up before the application and until after its end. */
import { durationMs } from '../../core/api/index.ts';
import { container, port, PROXY_ID } from '../../core/model/names.ts';
import type { WorkloadRef } from '../../core/model/index.ts';
import type { PodSettings } from './annotations.ts';
import { MEMORY } from './memory.ts';
import type { Resources } from './resources.ts';
import type { Container, EnvVar, InjectContext, Pod } from './types.ts';
import { mounts } from './volumes.ts';
import { workersOf } from './workers.ts';

export interface ProxyInput {
  context: InjectContext;
  settings: PodSettings;
  workload: WorkloadRef;
  resources: Resources;
  probes: EnvVar | undefined;
  /** Absent: as MeshConfig says at the time. */
  drainMs: number | undefined;
}

/** Kubernetes' default where a pod says nothing. */
const GRACE_SECONDS = 30;
/** Kept back for the proxy to close what is left before kubelet kills it. */
const GRACE_MARGIN_MS = 2_000;

/**
 * How long a drain may last where MeshConfig does not decide alone: as the annotation says, but never to the end of
 * the pod's grace period, in which application and proxy share the time. `cut` says that the period decided.
 */
export function drainOf(
  pod: Pod,
  context: InjectContext,
  settings: PodSettings,
): { drainMs: number | undefined; cut: boolean } {
  const wanted = settings.drainMs ?? durationMs(context.mesh.proxy.drain);
  const grace = (pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS) * 1000;
  const most = Math.max(0, grace - GRACE_MARGIN_MS);
  if (wanted > most) return { drainMs: most, cut: true };
  return { drainMs: settings.drainMs, cut: false };
}

const field = (name: string, fieldPath: string): EnvVar => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

function environment(input: ProxyInput): EnvVar[] {
  const { context, settings, workload } = input;
  const workers = workersOf(input.resources);
  const values: Record<string, string> = {
    WEFT_WORKLOAD_KIND: workload.kind,
    WEFT_WORKLOAD_NAME: workload.name,
    WEFT_TRUST_DOMAIN: context.trustDomain,
    WEFT_SYSTEM_NAMESPACE: context.systemNamespace,
    WEFT_CONTROL: `weft-operator.${context.systemNamespace}.svc:${port.control}`,
    WEFT_CONFIG_DIR: mounts.config.mountPath,
    WEFT_DIRECTORY_DIR: mounts.directory.mountPath,
    WEFT_IDENTITY_DIR: mounts.identity.mountPath,
    WEFT_POD_INFO_DIR: mounts.pod.mountPath,
    WEFT_TOKEN_FILE: `${mounts.token.mountPath}/token`,
    WEFT_RUN_DIR: mounts.run.mountPath,
    // only where the pod differs: MeshConfig's values come with the document, and change without a restart
    ...(settings.logLevel === undefined ? {} : { WEFT_LOG_LEVEL: settings.logLevel }),
    ...(input.drainMs === undefined ? {} : { WEFT_DRAIN_MS: String(input.drainMs) }),
    ...(workers === 1 ? {} : { WEFT_WORKERS: String(workers) }),
    ...MEMORY,
  };
  return [
    field('WEFT_POD_NAME', 'metadata.name'),
    field('WEFT_POD_NAMESPACE', 'metadata.namespace'),
    field('WEFT_POD_UID', 'metadata.uid'),
    field('WEFT_POD_IPS', 'status.podIPs'),
    field('WEFT_NODE_NAME', 'spec.nodeName'),
    field('WEFT_SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
    ...(input.probes ? [input.probes] : []),
  ];
}

const health = (path: string) => ({ httpGet: { path: `/healthz/${path}`, port: port.health } });

/**
 * No liveness probe: a proxy that is slow because the node is busy would be killed with all its connections.
 * The startup probe asks every second for up to an hour: without operator the application waits, and the proxy's log
 * and answer say for what. The readiness of a native sidecar counts for the pod's.
 */
export function proxyContainer(input: ProxyInput): Container {
  const { image } = input.context;
  return {
    name: container.proxy,
    image: image.name,
    ...(image.pullPolicy ? { imagePullPolicy: image.pullPolicy } : {}),
    restartPolicy: 'Always',
    command: ['node', '/app/proxy.mjs'],
    env: environment(input),
    ports: [{ name: 'weft-metrics', containerPort: port.metrics, protocol: 'TCP' }],
    startupProbe: { ...health('startup'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 3600 },
    readinessProbe: { ...health('ready'), periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 3 },
    lifecycle: { preStop: { exec: { command: ['node', '/app/proxy.mjs', 'drain'] } } },
    resources: input.resources,
    securityContext: {
      runAsUser: PROXY_ID,
      runAsGroup: PROXY_ID,
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: Object.values(mounts),
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}
