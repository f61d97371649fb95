/** Certificates of the proxies, as the operator wrote them into the Secrets of their namespaces. */
import { identitySecretName } from '../../core/model/names.ts';
import { resources, type KubeClient } from '../../kube/index.ts';
import { IDENTITY_FILES } from '../../proxy/config/identity.ts';
import type { Files } from '../../proxy/config/mount.ts';
import { pause } from '../peers/process.ts';
import type { ServicePlace } from './shape.ts';

const PAGE = 500;
const LOOK_MS = 1000;

async function secretsOf(client: KubeClient): Promise<Map<string, Files>> {
  const found = new Map<string, Files>();
  let next: string | undefined;
  do {
    const options = { fieldSelector: 'type=kubernetes.io/tls', limit: PAGE, continue: next };
    const { items, metadata } = await client.list(resources.secrets, options);
    for (const { metadata: own, data = {} } of items) {
      const text = (name: string) => Buffer.from(data[name] ?? '', 'base64').toString();
      found.set(
        `${own.namespace}/${own.name}`,
        Object.fromEntries(IDENTITY_FILES.map((name) => [name, text(name)])),
      );
    }
    next = metadata.continue;
  } while (next);
  return found;
}

/** By `namespace/service account`, of the services that have a proxy. Waits until the operator has written them. */
export async function identitiesOf(
  client: KubeClient,
  services: readonly ServicePlace[],
  withinMs: number,
): Promise<Record<string, Files>> {
  const accounts = services.filter(({ pods }) => pods.some(({ hasProxy }) => hasProxy));
  const end = performance.now() + withinMs;
  for (;;) {
    const secrets = await secretsOf(client);
    const found = accounts.map(
      ({ namespace, name }) =>
        [`${namespace}/${name}`, secrets.get(`${namespace}/${identitySecretName(name)}`)] as const,
    );
    const missing = found.filter(([, files]) => files === undefined).length;
    if (missing === 0) return Object.fromEntries(found) as Record<string, Files>;
    if (performance.now() > end)
      throw new Error(`${missing} of ${accounts.length} identities are not written`);
    await pause(LOOK_MS);
  }
}
