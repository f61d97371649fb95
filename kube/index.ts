/**
 * The only I/O to Kubernetes.
 *
 *   const client = await connect(env, { userAgent: 'weft-operator' });     // KUBECONFIG, or the pod's ServiceAccount
 *   await client.get(resources.pods, { namespace, name });                 // find(): undefined instead of NotFound
 *   await apply(client, { resource: resources.configMaps, object });       // server-side apply
 *   const state = await probeMetadata(client, { resource: resources.secrets, ref });  // without `get` permission
 *   const pods = new Reflector({ client, resource: resources.pods, onChange: ({ key }) => queue.add(key) }).start();
 *   await pods.synced;                                                     // then pods.store.get('shop/cart-1')
 *   const queue = new WorkQueue({ process: async (key, signal) => { … } });
 *   const elector = new LeaderElector({ client, namespace, name, identity, onStarted: (signal) => … }).start();
 *   const events = new EventRecorder({ client, component: 'weft-operator', instance: podName });
 *
 * Tests of other rooms use `startApiServer()` of kube/testing/apiServer.ts.
 */
import { accessOf } from './access.ts';
import { KubeClient, type ClientOptions } from './client.ts';

export * from './access.ts';
export * from './apiError.ts';
export * from './apply.ts';
export * from './client.ts';
export * from './clock.ts';
export * from './events.ts';
export { LeaderElector, type LeaderElectorOptions } from './leaderElector.ts';
export { holderIdentity, parseHolder } from './leaseRecord.ts';
export { microTime } from './microTime.ts';
export { dialPod, type PodPort } from './portForward.ts';
export { Reflector, type ReflectorOptions } from './reflector.ts';
export * from './resource.ts';
export type { Change, Store } from './store.ts';
export * from './tokenBucket.ts';
export { Transport, contentTypes, type RequestOptions, type StreamOptions } from './transport.ts';
export * from './workQueue.ts';

/** A client for the cluster that the environment names (accessOf). Throws WeftError KUBECONFIG_INVALID. */
export const connect = async (
  env: Readonly<Record<string, string | undefined>>,
  options: ClientOptions = {},
): Promise<KubeClient> => new KubeClient(await accessOf(env), options);
