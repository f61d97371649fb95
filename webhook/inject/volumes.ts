/** The volumes of the proxy: mounted by it alone, never by the application. */
import { configMapName, DIRECTORY_NAME, identitySecretName, TOKEN_AUDIENCE } from '../../core/model/names.ts';
import type { WorkloadRef } from '../../core/model/index.ts';
import type { Volume } from './types.ts';

/** 0444: the proxy reads as uid 1337 without the pod's fsGroup being touched. */
const READ_ONLY = 0o444;
const TOKEN_SECONDS = 3600;

export interface Mount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

/**
 * Where the proxy finds each volume; proxy/env.ts reads the same paths from its environment. `noApiToken` hides the
 * pod's token for the Kubernetes API, which admission mounts in every container that has nothing at its path: a proxy
 * reads what strangers send and must not hold the application's rights.
 */
export const mounts = {
  config: { name: 'weft-config', mountPath: '/etc/weft/config', readOnly: true },
  directory: { name: 'weft-directory', mountPath: '/etc/weft/directory', readOnly: true },
  identity: { name: 'weft-identity', mountPath: '/etc/weft/identity', readOnly: true },
  pod: { name: 'weft-pod', mountPath: '/etc/weft/pod', readOnly: true },
  token: { name: 'weft-token', mountPath: '/var/run/secrets/weft', readOnly: true },
  run: { name: 'weft-run', mountPath: '/run/weft' },
  noApiToken: {
    name: 'weft-pod',
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    readOnly: true,
  },
} as const satisfies Record<string, Mount>;

/**
 * ConfigMaps and the Secret are optional: the pod is made although the operator has not written them yet, and the
 * proxy's startup probe holds the application back until they are there.
 */
export function volumesOf(workload: WorkloadRef, serviceAccount: string): Volume[] {
  const mode = { optional: true, defaultMode: READ_ONLY };
  return [
    { name: mounts.config.name, configMap: { name: configMapName(workload), ...mode } },
    { name: mounts.directory.name, configMap: { name: DIRECTORY_NAME, ...mode } },
    { name: mounts.identity.name, secret: { secretName: identitySecretName(serviceAccount), ...mode } },
    {
      name: mounts.pod.name,
      downwardAPI: {
        items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }],
        defaultMode: READ_ONLY,
      },
    },
    {
      name: mounts.token.name,
      projected: {
        sources: [
          {
            serviceAccountToken: {
              audience: TOKEN_AUDIENCE,
              expirationSeconds: TOKEN_SECONDS,
              path: 'token',
            },
          },
        ],
        defaultMode: READ_ONLY,
      },
    },
    { name: mounts.run.name, emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
  ];
}
