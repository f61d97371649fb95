/** Workloads of the tests that are not the shop's, from the shop's image with scripts of e2e/apps mounted. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { images, root } from './environment.ts';
import { apply } from './kubectl.ts';

const folder = join(root, 'e2e', 'apps');

/** Puts the scripts of e2e/apps into a namespace. */
export async function provideApps(namespace: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  );
  await apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'apps', namespace },
    data: Object.fromEntries(texts),
  });
}

/** A container of the shop's image, with e2e/apps at /apps. */
export const container = (name: string, command: string[], extra: object = {}): object => ({
  name,
  image: images.shop,
  imagePullPolicy: 'IfNotPresent',
  command,
  env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
  volumeMounts: [{ name: 'apps', mountPath: '/apps' }],
  ...extra,
});

export const appsVolume: object = { name: 'apps', configMap: { name: 'apps' } };

export function service(name: string, ports: object[], options: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports, ...options },
  };
}

/** Everything of a list into a namespace. */
export async function applyAll(namespace: string, items: object[]): Promise<void> {
  await apply({ apiVersion: 'v1', kind: 'List', items }, ['-n', namespace]);
}
