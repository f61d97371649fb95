/**
 * Where snapshots come from: a cluster, or files.
 *
 *   const source = new KubernetesSource({ client, systemNamespace, clusterDomain, onError });
 *   source.onSnapshot((snapshot) => …);
 *   await source.start();
 */
export { FileSource, type FileSourceOptions } from './files.ts';
export { KubernetesSource, type KubernetesSourceOptions } from './kubernetes.ts';
export * from './objects.ts';
export { parseManifests, type Manifest } from './manifests.ts';
export { buildSnapshot, SnapshotBuilder, type SnapshotSettings } from './snapshot.ts';
export type { SnapshotSource } from './source.ts';
