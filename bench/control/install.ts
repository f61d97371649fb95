/** Of the rendered install what the operator needs to work as in its pod: kinds, its account and its rights. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { OPERATOR_SERVICE_ACCOUNT, SYSTEM_NAMESPACE } from '../../core/model/names.ts';
import {
  apply,
  isNotFound,
  pathOf,
  resources,
  type KubeClient,
  type KubeObject,
  type Resource,
} from '../../kube/index.ts';
import { pause } from '../peers/process.ts';
import { each } from './each.ts';
import { MARK } from './objects.ts';

const MANIFEST = join(import.meta.dirname, '../../manifests/install.yaml');
const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';

const kind = (
  groupVersion: string,
  name: string,
  options: { plural?: string; namespaced?: boolean } = {},
): Resource => {
  const [group, version] = groupVersion.split('/') as [string, string];
  const { plural = `${name.toLowerCase()}s`, namespaced = false } = options;
  return { group, version, plural, kind: name, namespaced };
};

/** What is of the whole cluster, and must be taken away one by one. */
export const CLUSTER_KINDS: readonly Resource[] = [
  resources.customResourceDefinitions,
  kind(RBAC, 'ClusterRole'),
  kind(RBAC, 'ClusterRoleBinding'),
  kind(ADMISSION, 'ValidatingAdmissionPolicy', { plural: 'validatingadmissionpolicies' }),
  kind(ADMISSION, 'ValidatingAdmissionPolicyBinding'),
];

const INSTALLED: readonly Resource[] = [
  ...CLUSTER_KINDS,
  kind(RBAC, 'Role', { namespaced: true }),
  kind(RBAC, 'RoleBinding', { namespaced: true }),
  resources.serviceAccounts,
];

const ESTABLISHED_MS = 20_000;

/** Resolves when the API server serves a kind that was made a moment ago. */
async function served(client: KubeClient, resource: Resource): Promise<void> {
  const end = performance.now() + ESTABLISHED_MS;
  for (;;) {
    try {
      return void (await client.list(resource, { limit: 1 }));
    } catch (error) {
      if (!isNotFound(error) || performance.now() > end) throw error;
      await pause(100);
    }
  }
}

export async function install(client: KubeClient): Promise<void> {
  const objects = loadAll(await readFile(MANIFEST, 'utf8')) as (KubeObject | null)[];
  const fieldManager = 'bench';
  const system: KubeObject = { metadata: { name: SYSTEM_NAMESPACE, labels: MARK } };
  await apply(client, { resource: resources.namespaces, object: system }, { fieldManager });
  await each(objects, async (object) => {
    const resource = INSTALLED.find((known) => known.kind === object?.kind);
    if (!object || !resource) return;
    object.metadata.labels = { ...object.metadata.labels, ...MARK };
    await apply(client, { resource, object }, { fieldManager });
  });
  await each([resources.meshPolicies, resources.meshConfigs], (resource) => served(client, resource));
}

/** As kubelet asks for it for the operator's pod. */
export async function operatorToken(client: KubeClient): Promise<string> {
  const place = { namespace: SYSTEM_NAMESPACE, name: OPERATOR_SERVICE_ACCOUNT, subresource: 'token' };
  const answer = await client.transport.request<{ status: { token: string } }>({
    method: 'POST',
    path: pathOf(resources.serviceAccounts, place),
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 24 * 3600 },
    },
  });
  return answer.status.token;
}
