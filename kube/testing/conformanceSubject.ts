import type { KubeClient } from '../client.ts';
import type { ConfigMap, Resource } from '../resource.ts';
import type { Probe } from './probe.ts';

/** What each check uses; complete before the first of them runs. */
export interface Subject {
  client: KubeClient;
  /** Made for this run. */
  namespace: string;
  probes: Resource<Probe>;
}

/** A ConfigMap of the run's namespace. */
export const configMap = (
  { namespace }: Subject,
  name: string,
  data: Record<string, string> = { a: '1' },
): ConfigMap => ({ metadata: { namespace, name }, data });
