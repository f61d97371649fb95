import { annotation } from '../../core/model/names.ts';
import { isConflict, isNotFound, mergePatch, resources, type KubeClient } from '../../kube/index.ts';
import type { RefreshSink } from './types.ts';

/** An annotation written through pods/status: the permission to write pods is not needed for it. */
export const kubernetesRefresh = (client: KubeClient): RefreshSink => ({
  async refresh({ namespace, name, uid }, value): Promise<void> {
    // the uid makes it a precondition: a later pod of the same name is another one
    const patch = { metadata: { uid, annotations: { [annotation.refresh]: value } } };
    const target = { resource: resources.pods, ref: { namespace, name }, patch };
    try {
      await mergePatch(client, target, { subresource: 'status', metadataOnly: true });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  },
});
