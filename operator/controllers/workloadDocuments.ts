/** Which documents workloads need: `config.json` in a ConfigMap of their own, owned by what they stand for. */
import { compileWorkload, workloadsOf } from '../../core/compile/index.ts';
import type { Snapshot, WorkloadModel } from '../../core/model/index.ts';
import { configMapName } from '../../core/model/names.ts';
import type { Hash } from '../../core/proxyConfig/index.ts';
import { refKey, type OwnerReference } from '../sinks/types.ts';
import type { DesiredDocument } from './documents.ts';

/** refKey of a workload's document. */
export const documentKey = (workload: { kind: string; namespace: string; name: string }): string =>
  refKey({ namespace: workload.namespace, name: configMapName(workload) });

const ownerOf = ({ apiVersion, kindName, name, uid }: WorkloadModel): OwnerReference | undefined =>
  uid === '' ? undefined : { apiVersion, kind: kindName, name, uid };

export interface WorkloadDocument extends DesiredDocument {
  readonly workload: WorkloadModel;
}

/** By refKey. `owners`: whether there is something that collects what is owned (a cluster). */
export function workloadDocuments(
  snapshot: Snapshot,
  { hash, owners }: { hash: Hash; owners: boolean },
): Map<string, WorkloadDocument> {
  const documents = new Map<string, WorkloadDocument>();
  for (const workload of workloadsOf(snapshot)) {
    const {
      epoch: _epoch,
      revision: _revision,
      ...content
    } = compileWorkload(snapshot, workload, {
      hash,
      epoch: 1,
    });
    const owner = owners ? ownerOf(workload) : undefined;
    documents.set(documentKey(workload), {
      namespace: workload.namespace,
      name: configMapName(workload),
      file: 'config.json',
      content,
      workload,
      ...(owner ? { owner } : {}),
    });
  }
  return documents;
}
