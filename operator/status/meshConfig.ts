import type { MeshConfigStatus } from '../../core/api/index.ts';
import type { Problem } from '../../core/errors/index.ts';
import { appliedVerdict } from './applied.ts';
import { conditionsOf, listed, type Verdict } from './conditions.ts';
import { acceptedVerdict } from './accepted.ts';
import { appliedText, type ProxyState } from './proxies.ts';

export interface MeshConfigFacts {
  /** As it is stored. */
  readonly generation: number;
  readonly previous?: MeshConfigStatus;
  readonly problems: readonly Problem[];
  /** Every proxy of the mesh that counts. */
  readonly proxies: readonly ProxyState[];
  /** How long it took until all had it; absent until they have. */
  readonly appliedIn?: string;
  readonly streams: StreamFacts;
  /** `namespace/name` of documents that no ConfigMap can hold. */
  readonly oversized: readonly string[];
}

export interface StreamFacts {
  readonly connected: number;
  /** In the order of their names. */
  readonly without: readonly Unconnected[];
}

export interface Unconnected {
  /** `namespace/name` of the pod. */
  readonly pod: string;
  /** RFC 3339: when it was heard last; absent: never by this replica. */
  readonly heardAt?: string;
}

/** Whether every proxy has a stream and, where one has none, how old the oldest state is that is in force. */
export function connectedVerdict({ connected, without }: StreamFacts): Verdict {
  const total = connected + without.length;
  const head = `${connected}/${total} proxies have a stream`;
  if (without.length === 0) return { type: 'Connected', status: 'True', reason: 'Connected', message: head };
  const names = listed(without.map(({ pod }) => pod));
  const oldest = without.reduce((a, b) => ((b.heardAt ?? '') < (a.heardAt ?? '') ? b : a));
  const age =
    oldest.heardAt === undefined
      ? `${oldest.pod} was never heard of`
      : `the oldest state is that of ${oldest.pod}, of ${oldest.heardAt}`;
  const message = `${head}; without one: ${names}; ${age}`;
  return { type: 'Connected', status: 'False', reason: 'Disconnected', message };
}

/** Whether the files of all workloads are what the stream brings. */
const storedVerdict = (oversized: readonly string[]): Verdict =>
  oversized.length === 0
    ? { type: 'Stored', status: 'True', reason: 'Stored', message: 'every document fits into its ConfigMap' }
    : {
        type: 'Stored',
        status: 'False',
        reason: 'DocumentTooLarge',
        message: `no ConfigMap can hold ${listed(oversized)}: proxies get it by the stream, and start with the last that was stored`,
      };

/** The whole status of MeshConfig `default`. `now` is RFC 3339. */
export function meshConfigStatus(facts: MeshConfigFacts, now: string): MeshConfigStatus {
  const { generation, previous, problems, proxies, appliedIn, streams, oversized } = facts;
  const took = appliedIn === undefined ? {} : { appliedIn };
  const verdicts = [
    acceptedVerdict(problems),
    appliedVerdict({ generation, accepted: problems.length === 0, proxies, unprotected: [], ...took }),
    connectedVerdict(streams),
    storedVerdict(oversized),
  ];
  return {
    observedGeneration: generation,
    proxies: proxies.length,
    applied: appliedText(proxies),
    ...took,
    conditions: conditionsOf(verdicts, { previous: previous?.conditions, generation, now }),
  };
}
