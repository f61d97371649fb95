import type { Condition } from '../../core/api/index.ts';

/** What a condition is to say now. */
export interface Verdict {
  readonly type: string;
  readonly status: Condition['status'];
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

const MAX_MESSAGE = 2_048;

export interface ConditionContext {
  readonly previous: readonly Condition[] | undefined;
  /** Of the resource that the verdicts are about, so that a reader can tell a stale condition. */
  readonly generation: number;
  /** RFC 3339. */
  readonly now: string;
}

/** Conditions in the order of the verdicts; `lastTransitionTime` moves only when `status` does (API conventions). */
export function conditionsOf(verdicts: readonly Verdict[], context: ConditionContext): Condition[] {
  return verdicts.map(({ type, status, reason, message }) => {
    const before = context.previous?.find((condition) => condition.type === type);
    return {
      type,
      status,
      observedGeneration: context.generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : context.now,
      reason,
      message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message,
    };
  });
}

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[], most = 3): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
