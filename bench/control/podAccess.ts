/**
 * The operator's way to the API server. As in its pod, by the files of its ServiceAccount where they lie in a container:
 * to read a kubeconfig takes a library of 80 MB that no operator in a cluster loads.
 */
import { existsSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SYSTEM_NAMESPACE } from '../../core/model/names.ts';
import type { Access, KubeClient } from '../../kube/index.ts';
import { operatorToken } from './install.ts';

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Says that the folder was made here, by a run that could not remove it. */
const OURS = join(FOLDER, 'weft-bench');

/** Variables for the operator; undefined where it cannot be as in a pod. The files are removed when this process ends. */
export async function podAccess(
  client: KubeClient,
  access: Access,
): Promise<Record<string, string> | undefined> {
  const server = new URL(access.server);
  if (process.getuid?.() !== 0 || (existsSync(FOLDER) && !existsSync(OURS)) || server.protocol !== 'https:')
    return undefined;
  const { ca } = await access.credentials();
  if (ca === undefined) return undefined;
  await mkdir(dirname(FOLDER), { recursive: true });
  await mkdir(FOLDER, { mode: 0o700, recursive: true });
  await writeFile(OURS, '');
  process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
  await writeFile(join(FOLDER, 'ca.crt'), ca);
  await writeFile(join(FOLDER, 'namespace'), SYSTEM_NAMESPACE);
  await writeFile(join(FOLDER, 'token'), await operatorToken(client), { mode: 0o600 });
  return { KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port || '443' };
}
