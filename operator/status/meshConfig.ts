import type { MeshConfig, MeshConfigStatus } from '../../core/api/index.ts';
import type { Problem } from '../../core/errors/index.ts';
import { appliedVerdict } from './applied.ts';
import { conditionsOf } from './conditions.ts';
import { acceptedVerdict } from './accepted.ts';
import { appliedText, type ProxyState } from './proxies.ts';

export interface MeshConfigFacts {
  readonly meshConfig: Pick<MeshConfig, 'metadata' | 'status'>;
  readonly problems: readonly Problem[];
  /** Every proxy of the mesh that counts. */
  readonly proxies: readonly ProxyState[];
}

/** The whole status of MeshConfig `default`. `now` is RFC 3339. */
export function meshConfigStatus(facts: MeshConfigFacts, now: string): MeshConfigStatus {
  const { meshConfig, problems, proxies } = facts;
  const generation = meshConfig.metadata.generation ?? 0;
  const verdicts = [
    acceptedVerdict(problems),
    appliedVerdict({ generation, accepted: problems.length === 0, proxies, unprotected: [] }),
  ];
  return {
    observedGeneration: generation,
    proxies: proxies.length,
    applied: appliedText(proxies),
    conditions: conditionsOf(verdicts, { previous: meshConfig.status?.conditions, generation, now }),
  };
}
