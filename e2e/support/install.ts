/** Installs Weft and the shop the way a person would: Helm, kubectl apply, a label, a restart. */
import { join } from 'node:path';
import { images, namespaces, root } from './environment.ts';
import { apply, deleteNamespace, ensureNamespace, helm, kubectl, livingPods, type Pod } from './kubectl.ts';
import { waitFor } from './waitFor.ts';

const [repository, tag] = images.weft.split(':') as [string, string];

export async function installWeft(): Promise<void> {
  await ensureNamespace(namespaces.system, {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
  });
  const chart = join(root, 'charts', 'weft');
  const values = ['--set', `image.repository=${repository}`, '--set', `image.tag=${tag}`];
  await helm(
    [
      'upgrade',
      '--install',
      'weft',
      chart,
      '-n',
      namespaces.system,
      ...values,
      '--wait',
      '--timeout',
      '180s',
    ],
    { timeoutMs: 200_000 },
  );
  // an image of the same tag may be newer than the pods that run
  await kubectl(['-n', namespaces.system, 'rollout', 'restart', 'deployment']);
  await rolledOut(namespaces.system);
}

export async function uninstallWeft(): Promise<void> {
  await helm(['uninstall', 'weft', '-n', namespaces.system, '--ignore-not-found', '--wait']);
  await deleteNamespace(namespaces.system);
}

/** Waits until every deployment of the namespace runs its newest template. */
export async function rolledOut(namespace: string, seconds = 180): Promise<void> {
  const names = (await kubectl(['get', 'deployments', '-n', namespace, '-o', 'name'])).trim().split('\n');
  for (const name of names) {
    await kubectl(['rollout', 'status', '-n', namespace, name, `--timeout=${seconds}s`], {
      timeoutMs: (seconds + 10) * 1000,
    });
  }
}

export const hasProxy = (pod: Pod): boolean =>
  (pod.spec.initContainers ?? []).some(({ name }) => name === 'weft-proxy');

/**
 * Waits until a pod of an enabled namespace would be injected: a webhook that is Ready is reached by the API server only
 * once the node's rules for its Service know it, and until then pods start without a proxy.
 */
export async function injects(namespace: string): Promise<void> {
  const pod = [
    'run',
    'would-be',
    `--image=${images.shop}`,
    '--dry-run=server',
    '-o',
    'json',
    '-n',
    namespace,
  ];
  await waitFor(`pods of ${namespace} to be injected`, async () =>
    hasProxy(JSON.parse(await kubectl(pod)) as Pod),
  );
}

/** Sets how long certificates of workloads live; the operator has made the resource. */
export async function setLeafLifetime(lifetime: string): Promise<void> {
  await waitFor('MeshConfig default', () => kubectl(['get', 'meshconfig', 'default', '-o', 'name']));
  await kubectl([
    'patch',
    'meshconfig',
    'default',
    '--type=merge',
    '-p',
    JSON.stringify({ spec: { identity: { leafLifetime: lifetime } } }),
  ]);
}

/** The shop without a mesh: as its authors would run it. */
export async function deployShop(): Promise<void> {
  await ensureNamespace(namespaces.shop);
  await kubectl(['apply', '-n', namespaces.shop, '-f', join(root, 'examples', 'shop', 'kubernetes')]);
  await rolledOut(namespaces.shop);
}

/** Labels a namespace and restarts what runs in it; resolves when every pod is Ready with a proxy. */
export async function enableMesh(namespace: string): Promise<void> {
  await kubectl(['label', 'namespace', namespace, 'weft.dev/injection=enabled', '--overwrite']);
  await injects(namespace);
  await kubectl(['-n', namespace, 'rollout', 'restart', 'deployment']);
  await rolledOut(namespace);
  await waitFor(`all pods of ${namespace} with a proxy`, async () =>
    (await livingPods(namespace)).every(hasProxy),
  );
}

/** Namespaces of the tests with the little that their pods need. */
export async function prepareNamespaces(): Promise<void> {
  await ensureNamespace(namespaces.workloads, { 'weft.dev/injection': 'enabled' });
  await ensureNamespace(namespaces.outside);
  for (const namespace of [namespaces.outside, namespaces.workloads]) {
    await waitFor(`the default ServiceAccount of ${namespace}`, () =>
      kubectl(['get', 'serviceaccount', 'default', '-n', namespace, '-o', 'name']),
    );
    await apply(callerPod(namespace));
  }
}

/** A pod that does nothing but wait for a test to make it call something. */
function callerPod(namespace: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'caller', namespace, labels: { app: 'caller' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'caller',
          image: images.shop,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '-e', 'setInterval(() => {}, 1e6); process.on("SIGTERM", () => process.exit(0))'],
        },
      ],
    },
  };
}
