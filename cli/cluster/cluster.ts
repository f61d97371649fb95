/** The cluster that a command is about, as kubectl would find it. */
import type { Command } from 'commander';
import { accessBy, dialPod, KubeClient, loadKubeconfig, type PodPort } from '../../kube/index.ts';
import { SYSTEM_NAMESPACE } from '../../core/model/names.ts';
import { getPage, type Page } from './get.ts';

export interface Cluster {
  readonly client: KubeClient;
  /** Of the context. */
  readonly namespace: string;
  /** A page on the loopback of a pod, as JSON. Rejects with WeftError where the port cannot be reached. */
  page(target: PodPort, path: string): Promise<Page>;
  close(): void;
}

export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
  systemNamespace: string;
}

export type ConnectCluster = (flags: ClusterFlags) => Promise<Cluster>;

/** The flags that kubectl has, by the same names. */
export const addClusterFlags = (command: Command): Command =>
  command
    .option('-n, --namespace <name>', 'namespace')
    .option('--kubeconfig <file>', 'kubeconfig to use; else KUBECONFIG, else ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig to use')
    .option('--system-namespace <name>', "Weft's own namespace", SYSTEM_NAMESPACE);

/** Throws WeftError KUBECONFIG_INVALID. */
export const connectCluster: ConnectCluster = async ({ kubeconfig, context }) => {
  const config = await loadKubeconfig({
    ...(kubeconfig === undefined ? {} : { file: kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  const access = accessBy(config);
  const client = new KubeClient(access, { userAgent: 'weft' });
  return {
    client,
    namespace: access.namespace,
    page: async (target, path) => getPage(await dialPod(config, target), path),
    close: () => client.close(),
  };
};
