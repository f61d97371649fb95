/** The control plane taken away and given back. */
import { namespaces } from './environment.ts';
import { injects, rolledOut } from './install.ts';
import { exec, get, kubectl, list, type Pod } from './kubectl.ts';
import { waitFor } from './waitFor.ts';

const { system } = namespaces;

/** Scales components to nothing and waits until their pods are gone. */
export async function removeComponents(components: string[]): Promise<void> {
  for (const component of components) {
    await kubectl(['scale', '-n', system, `deployment/weft-${component}`, '--replicas=0']);
  }
  const selector = `app.kubernetes.io/component in (${components.join(',')})`;
  await waitFor(
    `no pods of ${components.join(' and ')}`,
    // those that are ending too: a webhook still answers while it ends
    async () => (await list<Pod>(['pods', '-n', system, '-l', selector])).length === 0,
    90_000,
  );
}

/** Resolves when pods are injected again. */
export async function restoreComponents(components: string[]): Promise<void> {
  for (const component of components) {
    await kubectl(['scale', '-n', system, `deployment/weft-${component}`, '--replicas=2']);
  }
  await rolledOut(system);
  await injects(namespaces.shop);
}

const restartsOf = (pod: Pod): number =>
  pod.status.initContainerStatuses?.find(({ name }) => name === 'weft-proxy')?.restartCount ?? 0;

/** Ends the proxy's process in a pod, and waits until kubelet has started it again and the pod is Ready. */
export async function restartProxy(namespace: string, name: string): Promise<void> {
  const before = restartsOf(await get<Pod>(['pod', name, '-n', namespace]));
  await exec({ namespace, pod: name, container: 'weft-proxy' }, ['node', '-e', 'process.kill(1, "SIGTERM")']);
  await waitFor(
    `the proxy of ${name} to be started again`,
    async () => restartsOf(await get<Pod>(['pod', name, '-n', namespace])) > before,
  );
  await kubectl(['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=90s']);
}
