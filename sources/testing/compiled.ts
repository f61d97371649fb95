/** What a snapshot comes to, as proxies read it: compiled from scratch. */
import { hash } from './mesh.ts';
import { workloadKey, type Snapshot, type WorkloadModel, type WorkloadRef } from '../../core/model/index.ts';
import { label } from '../../core/model/names.ts';
import {
  parseDirectory,
  parseProxyConfig,
  type Directory,
  type ProxyConfig,
} from '../../core/proxyConfig/index.ts';
import { Compiler, configText, directoryText } from '../../core/compile/index.ts';

/** A workload that the snapshot does not have is taken for one that wants a proxy. */
function withWorkload(snapshot: Snapshot, ref: WorkloadRef): Snapshot {
  const key = workloadKey(ref);
  if (snapshot.workloads.has(key)) return snapshot;
  const template = {
    labels: { [label.inject]: 'true' },
    annotations: {},
    serviceAccount: 'default',
    ports: [],
  };
  const workload = { ...ref, apiVersion: 'apps/v1', kindName: 'Deployment', uid: 'made-up', template };
  return { ...snapshot, workloads: new Map([...snapshot.workloads, [key, workload]]) };
}

/** The document of a workload that uses these services of other namespaces. */
export function documentOf(snapshot: Snapshot, ref: WorkloadRef, ...used: string[]): ProxyConfig {
  const compiler = new Compiler({ hash });
  compiler.take(withWorkload(snapshot, ref));
  compiler.use(workloadKey(ref), new Set(used));
  const document = compiler.documents.get(workloadKey(ref));
  if (!document) throw new Error(`${workloadKey(ref)} has no document`);
  return parseProxyConfig(configText(document, { epoch: 1, revision: snapshot.revision }), hash);
}

/** The workloads that have a document, in the order of their keys. */
export function workloadsOf(snapshot: Snapshot): WorkloadModel[] {
  const compiler = new Compiler({ hash });
  compiler.take(snapshot);
  return [...compiler.documents].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { workload }]) => workload);
}

export function directoryOf(snapshot: Snapshot, namespace = 'shop'): Directory {
  const compiler = new Compiler({ hash });
  compiler.take(snapshot);
  return parseDirectory(
    directoryText(compiler.directory(namespace), { epoch: 1, revision: snapshot.revision }),
    hash,
  );
}
