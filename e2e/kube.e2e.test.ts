/** The same checks that the double of the API server passes, on the real one that KUBECONFIG names. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  accessOf,
  apply,
  connect,
  isForbidden,
  KubeClient,
  probeMetadata,
  resources,
  type Access,
  type KubeObject,
  type Resource,
} from '../kube/index.ts';
import { describeApiServer } from '../kube/testing/conformance.ts';
import { failure } from '../kube/testing/failure.ts';
import { until } from '../kube/testing/until.ts';

describeApiServer('the API server of the cluster', async () => {
  const client = await connect(process.env, { userAgent: 'weft-e2e' });
  return { client, close: () => Promise.resolve(client.close()) };
});

const rbac = (plural: string, kind: string): Resource<KubeObject & Record<string, unknown>> => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});

/** The same server as somebody else. */
const asUser = (access: Access, user: string): Access => ({
  ...access,
  async credentials(options) {
    const own = await access.credentials(options);
    return { ...own, headers: { ...own.headers, 'impersonate-user': user } };
  },
});

describe('a ServiceAccount that may write Secrets but not read them', () => {
  it('learns their metadata by an empty patch, and nothing of their content', async () => {
    const access = await accessOf(process.env);
    const admin = new KubeClient(access);
    const namespace = `weft-kube-${randomBytes(4).toString('hex')}`;
    const writer = new KubeClient(asUser(access, `system:serviceaccount:${namespace}:writer`));
    await admin.create(resources.namespaces, { metadata: { name: namespace } });
    try {
      const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'patch', 'delete'] }];
      await admin.create(rbac('roles', 'Role'), { metadata: { namespace, name: 'writer' }, rules });
      await admin.create(rbac('rolebindings', 'RoleBinding'), {
        metadata: { namespace, name: 'writer' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'writer' },
        subjects: [{ kind: 'ServiceAccount', name: 'writer', namespace }],
      });
      const ref = { namespace, name: 'weft.serviceaccount.cart' };
      const target = { resource: resources.secrets, ref };
      const probe = (): ReturnType<typeof probeMetadata> => probeMetadata(writer, target);
      await until('the role is in force', () =>
        probe().then(
          () => true,
          () => false,
        ),
      );
      expect(await probe()).toBeUndefined();
      const object = {
        metadata: { ...ref, annotations: { 'weft.dev/not-after': 'soon' } },
        stringData: { key: 'value' },
      };
      const made = await apply(writer, { resource: resources.secrets, object }, { metadataOnly: true });
      expect(made).not.toHaveProperty('data');
      expect((await probe())?.metadata.annotations).toEqual({ 'weft.dev/not-after': 'soon' });
      expect((await probe())?.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      expect(isForbidden(await failure(writer.get(resources.secrets, ref)))).toBe(true);
      expect(isForbidden(await failure(writer.list(resources.secrets, { namespace })))).toBe(true);
      await writer.delete(resources.secrets, ref);
      expect(await probe()).toBeUndefined();
    } finally {
      await admin.delete(resources.namespaces, { name: namespace });
      admin.close();
      writer.close();
    }
  });
});
