import { parseHolder } from '../../kube/index.ts';
import type { Leadership } from './types.ts';

export interface OwnPlace {
  /** Name of this pod. */
  readonly pod: string;
  readonly leading: boolean;
}

/** Who leads, by what the lease says. `pod`: the leader's, where it is known. */
export function leadershipOf(
  holder: string | undefined,
  { pod, leading }: OwnPlace,
): Leadership & { readonly pod?: string } {
  const leader = parseHolder(holder);
  // what this pod held before its container was started anew leads nobody
  return leading || leader?.pod !== pod ? { leading, ...leader } : { leading };
}
