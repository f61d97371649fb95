/** Whole proxies inside namespaces, as a pod has them: redirection by the init container, files instead of volumes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Volume, directoryText, documentText, sectionOf } from '../../../proxy/config/testing/volumes.ts';
import type { TestMesh } from '../../../certs/testing/pki.ts';
import type { Directory, ProxyConfig } from '../../../core/proxyConfig/index.ts';
import { runInit } from './greeters.ts';
import type { PodNamespace } from './namespaces.ts';

const MAIN = new URL('../../../proxy/main.ts', import.meta.url).pathname;
const PROXY = { uid: 1337, gid: 1337 };

export interface PodOptions {
  pod: PodNamespace;
  /** A folder that the pod may use. */
  folder: string;
  mesh: TestMesh;
  serviceAccount: string;
  config: Pick<ProxyConfig, 'services'> & {
    mtls: ProxyConfig['sections'][number]['inbound']['mtls']['mode'];
  };
  directory?: Directory['services'];
  /** Threads that serve; absent: one. */
  workers?: number;
}

export interface PodProxy {
  /** Lines of the access log and of the log so far. */
  readonly output: () => string;
  stop(): void;
}

/** Redirects the pod's traffic and starts its proxy; resolves when it serves. */
export async function startPodProxy(options: PodOptions): Promise<PodProxy> {
  const { pod } = options;
  const { code, stdout } = await runInit(pod);
  if (code !== 0) throw new Error(`init of ${pod.name}: ${stdout}`);
  const folder = join(options.folder, pod.name);
  await writeVolumes(folder, options);
  const variables = Object.entries(environment(folder, options)).map(([name, value]) => `${name}=${value}`);
  const [command, args] = pod.exec(['env', ...variables, process.execPath, '--no-warnings', MAIN], PROXY);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += String(bytes)));
  await serving(child, () => output);
  return {
    output: () => output,
    stop: () => void child.kill('SIGKILL'),
  };
}

async function writeVolumes(
  folder: string,
  { mesh, serviceAccount, config, directory }: PodOptions,
): Promise<void> {
  const labels = { app: serviceAccount };
  const section = sectionOf(labels);
  section.inbound.mtls.mode = config.mtls;
  const files: Record<string, Record<string, string>> = {
    config: { 'config.json': documentText({ sections: [section], services: config.services }) },
    directory: { 'directory.json': directoryText({ services: directory ?? [] }) },
    identity: { ...(await mesh.workload('shop', serviceAccount)) },
    pod: { labels: `app="${serviceAccount}"\n` },
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name), { recursive: true });
    await new Volume(join(folder, name)).write(content);
  }
  await mkdir(join(folder, 'run'));
  await chown(join(folder, 'run'), PROXY.uid, PROXY.gid);
  await chmod(folder, 0o755);
}

function environment(
  folder: string,
  { pod, serviceAccount, workers = 1 }: PodOptions,
): Record<string, string> {
  return {
    WEFT_POD_NAME: pod.name,
    WEFT_POD_NAMESPACE: 'shop',
    WEFT_POD_UID: 'uid',
    WEFT_POD_IPS: `${pod.ipv4},${pod.ipv6}`,
    WEFT_NODE_NAME: 'node',
    WEFT_SERVICE_ACCOUNT: serviceAccount,
    WEFT_WORKLOAD_KIND: 'deployment',
    WEFT_WORKLOAD_NAME: 'cart',
    WEFT_TRUST_DOMAIN: 'cluster.local',
    WEFT_SYSTEM_NAMESPACE: 'weft-system',
    WEFT_CONFIG_DIR: join(folder, 'config'),
    WEFT_DIRECTORY_DIR: join(folder, 'directory'),
    WEFT_IDENTITY_DIR: join(folder, 'identity'),
    WEFT_POD_INFO_DIR: join(folder, 'pod'),
    WEFT_RUN_DIR: join(folder, 'run'),
    WEFT_WORKERS: String(workers),
  };
}

async function serving(child: ChildProcess, output: () => string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!output().includes('"serving"')) {
    if (Date.now() > deadline || child.exitCode !== null)
      throw new Error(`the proxy does not serve: ${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
