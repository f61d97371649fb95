import type { MeshPolicySpec, MeshPolicyStatus } from '../../core/api/index.ts';
import type { Problem } from '../../core/errors/index.ts';
import { acceptedVerdict } from './accepted.ts';
import { appliedVerdict } from './applied.ts';
import { conditionsOf, type Verdict } from './conditions.ts';
import { appliedText, lateOf, type ProxyState } from './proxies.ts';

export interface PolicyFacts {
  /** As it is stored: its generation is the one that status speaks of. */
  readonly generation: number;
  readonly previous?: MeshPolicyStatus;
  /** The valid form; absent where the stored one is not accepted. */
  readonly spec?: MeshPolicySpec;
  /** Why the stored form is not accepted; empty where it is. */
  readonly problems: readonly Problem[];
  /** Which policy wins over this one, and in what; absent where none does. */
  readonly conflict?: string;
  readonly proxies: readonly ProxyState[];
  readonly unprotected: readonly string[];
  /** How long it took until all had it; absent until they have. */
  readonly appliedIn?: string;
}

const MOST_LATE = 10;

const conflictedVerdict = (conflict: string | undefined): Verdict =>
  conflict
    ? { type: 'Conflicted', status: 'True', reason: 'OlderWins', message: conflict }
    : {
        type: 'Conflicted',
        status: 'False',
        reason: 'NoConflict',
        message: 'no other policy contradicts it',
      };

/** The whole status of a policy. `now` is RFC 3339. */
export function policyStatus(facts: PolicyFacts, now: string): MeshPolicyStatus {
  const { generation, previous, spec, problems, conflict, proxies, unprotected, appliedIn } = facts;
  const accepted = problems.length === 0;
  const took = appliedIn === undefined ? {} : { appliedIn };
  const verdicts = [
    acceptedVerdict(problems),
    appliedVerdict({ generation, accepted, proxies, unprotected, ...took }),
    conflictedVerdict(conflict),
  ];
  return {
    observedGeneration: generation,
    applied: appliedText(proxies),
    ...took,
    rules: spec ? (spec.authorization?.rules?.length ?? 0) : (previous?.rules ?? 0),
    late: lateOf(proxies)
      .slice(0, MOST_LATE)
      .map(({ pod }) => pod),
    conditions: conditionsOf(verdicts, { previous: previous?.conditions, generation, now }),
  };
}
