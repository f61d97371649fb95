/** Servers and a client in a namespace of the mesh that takes nothing but mTLS: what passes there passed two proxies. */
import { images, namespaces } from './environment.ts';
import { rolledOut } from './install.ts';
import { ensureNamespace, exec, isReady, kubectl, livingPods, type Pod } from './kubectl.ts';
import { applyPolicy } from './policies.ts';
import { readyServices } from './proxy.ts';
import type { Outcome } from './run.ts';
import { waitFor } from './waitFor.ts';
import { appsVolume, applyAll, container, provideApps } from './workloads.ts';

const { protocols: namespace } = namespaces;

/** How a Service tells the protocol of a port. */
export const declarations = ['appProtocol', 'portName', 'undeclared'] as const;
export type Declaration = (typeof declarations)[number];

/** A port of a Service that tells `protocol` in one of the three ways; what is undeclared has a name that says nothing. */
export function port(number: number, protocol: string, declaration: Declaration = 'undeclared'): object {
  if (declaration === 'appProtocol') return { name: `p${number}`, port: number, appProtocol: protocol };
  return { name: declaration === 'portName' ? protocol : `p${number}`, port: number };
}

export interface ServerOptions {
  replicas?: number;
  /** Containers of the protocols' image: name to command. */
  containers: Record<string, string[]>;
  /** Ports of the Service; each must accept connections before the pod is Ready. */
  ports: object[];
}

const tool = (name: string, command: string[]): object =>
  container(name, command, { image: images.protocols });

/** A Deployment with its Service. */
export function server(name: string, { replicas = 1, containers, ports }: ServerOptions): object[] {
  const numbers = (ports as { port: number; protocol?: string }[])
    .filter(({ protocol }) => protocol !== 'UDP')
    .map(({ port }) => port);
  const [first, ...others] = Object.entries(containers).map(([own, command]) => tool(own, command));
  // containers share the pod's network, so that one of them can tell of all
  const command = ['node', '/apps/listening.ts', ...numbers.map(String)];
  const probed = { ...first, startupProbe: { exec: { command }, periodSeconds: 1, failureThreshold: 90 } };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ports } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 2,
            volumes: [appsVolume],
            containers: [probed, ...others],
          },
        },
      },
    },
  ];
}

const clientPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'client', labels: { app: 'client' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    volumes: [appsVolume],
    containers: [tool('client', ['node', '-e', 'setInterval(() => {}, 1e6)'])],
  },
};

/** The namespace, its client, and these servers; resolves when all are Ready, and the client's proxy knows it. */
export async function provideProtocols(...servers: object[][]): Promise<void> {
  await ensureNamespace(namespace, { 'weft.dev/injection': 'enabled' });
  await provideApps(namespace);
  await applyPolicy('strict', { mtls: { mode: 'Strict' } }, namespace);
  await applyAll(namespace, [...servers.flat(), clientPod]);
  await rolledOut(namespace);
  await kubectl(['wait', '-n', namespace, 'pod/client', '--for=condition=Ready', '--timeout=90s']);
  const wanted = servers
    .flat()
    .filter(isService)
    .map(({ metadata }) => `${namespace}/${metadata.name}`);
  await waitFor(`endpoints of ${wanted.join(', ')} in the client's proxy`, async () => {
    const known = await readyServices(await podOf('client'));
    return wanted.every((name) => known.includes(name));
  });
}

const isService = (object: object): object is { metadata: { name: string } } =>
  (object as { kind?: string }).kind === 'Service';

/** Removes servers, so that the tests after these have the machine for themselves. */
export async function removeServers(...names: string[]): Promise<void> {
  await kubectl(['delete', 'deployment,service', '-n', namespace, '--ignore-not-found', ...names]);
}

/** Runs a command in the client's pod, whatever its outcome. */
export const tryInClient = (command: string[], seconds = 60): Promise<Outcome> =>
  exec({ namespace, pod: 'client', container: 'client' }, command, { timeoutMs: seconds * 1000 });

/** Standard output of a command that must succeed in the client's pod. */
export async function inClient(command: string[], seconds = 60): Promise<string> {
  const { code, stdout, stderr } = await tryInClient(command, seconds);
  if (code !== 0) throw new Error(`${command.join(' ')} exited with ${code}: ${stderr} ${stdout}`);
  return stdout;
}

/** What a script of e2e/apps prints as JSON. */
export async function report<T>(script: string, args: (string | number)[], seconds = 60): Promise<T> {
  const text = await inClient(['node', `/apps/${script}`, ...args.map(String)], seconds);
  return JSON.parse(text) as T;
}

/** The only Ready pod of a Deployment or of the client. */
export const podOf = (app: string): Promise<Pod> =>
  waitFor(`a Ready pod of ${app}`, async () => (await livingPods(namespace, `app=${app}`)).find(isReady));

/** Private memory of a pod's proxy in MiB, as the kernel counts it (RssAnon). */
export async function proxyMemory(app: string): Promise<number> {
  const { name } = (await podOf(app)).metadata;
  const target = { namespace, pod: name, container: 'weft-proxy' };
  const { stdout } = await exec(target, ['cat', '/proc/1/status']);
  const [, kib] = /^RssAnon:\s+(\d+) kB/m.exec(stdout) ?? [];
  if (kib === undefined) throw new Error(`no RssAnon of the proxy of ${name}`);
  return Math.round(Number(kib) / 102.4) / 10;
}
