import { microTime } from './microTime.ts';
import type { Lease } from './resource.ts';

/** What a holder writes into a Lease: `pod/address`, so that others know whom to send on to. */
export const holderIdentity = (pod: string, address: string): string => `${pod}/${address}`;

/** Reads a holderIdentity; undefined where it has no address. */
export function parseHolder(identity: string | undefined): { pod: string; address: string } | undefined {
  const slash = identity?.indexOf('/') ?? -1;
  if (identity === undefined || slash <= 0 || slash === identity.length - 1) return undefined;
  return { pod: identity.slice(0, slash), address: identity.slice(slash + 1) };
}

type Spec = NonNullable<Lease['spec']>;

export const holderOf = (lease: Lease | undefined): string => lease?.spec?.holderIdentity ?? '';

/** The spec with which `identity` holds the lease from now on. */
export function heldBy(
  identity: string,
  { lease, leaseDurationMs, now }: { lease: Lease | undefined; leaseDurationMs: number; now: number },
): Spec {
  const old = lease?.spec;
  const mine = old?.holderIdentity === identity;
  return {
    ...old,
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
    acquireTime: mine && old.acquireTime ? old.acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (old?.leaseTransitions ?? 0) + Number(lease !== undefined && !mine),
  };
}

/** The spec that gives the lease away: the next one need not wait. */
export const released = (lease: Lease, now: number): Spec => ({
  ...lease.spec,
  holderIdentity: '',
  leaseDurationSeconds: 1,
  renewTime: microTime(now),
});
