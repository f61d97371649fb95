import type { MeshConfigStatus } from '../../core/api/index.ts';
import type { Problem } from '../../core/errors/index.ts';
import { appliedVerdict } from './applied.ts';
import { conditionsOf } from './conditions.ts';
import { acceptedVerdict } from './accepted.ts';
import { appliedText, type ProxyState } from './proxies.ts';

export interface MeshConfigFacts {
  /** As it is stored. */
  readonly generation: number;
  readonly previous?: MeshConfigStatus;
  readonly problems: readonly Problem[];
  /** Every proxy of the mesh that counts. */
  readonly proxies: readonly ProxyState[];
}

/** The whole status of MeshConfig `default`. `now` is RFC 3339. */
export function meshConfigStatus(facts: MeshConfigFacts, now: string): MeshConfigStatus {
  const { generation, previous, problems, proxies } = facts;
  const verdicts = [
    acceptedVerdict(problems),
    appliedVerdict({ generation, accepted: problems.length === 0, proxies, unprotected: [] }),
  ];
  return {
    observedGeneration: generation,
    proxies: proxies.length,
    applied: appliedText(proxies),
    conditions: conditionsOf(verdicts, { previous: previous?.conditions, generation, now }),
  };
}
