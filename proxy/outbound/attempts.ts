/** Which endpoint a request or connection is tried at, and whether it may be tried once more. */
import type { Code } from '../../core/errors/index.ts';
import type { Balancer } from '../balance/leastRequest.ts';
import type { Failure } from '../wire/exchange/ends.ts';
import type { Pool } from '../wire/exchange/pool.ts';
import type { Route } from './routes.ts';

export const MAX_ATTEMPTS = 3;

/** An endpoint that was not tried yet: Ready ones first, then those that are shutting down; else why there is none. */
export function choose(balancer: Balancer, route: Route, tried: readonly Pool[]): Pool | Code {
  if (route.destination.kind === 'blocked') return 'OUTBOUND_NOT_REGISTERED';
  if (route.destination.kind === 'hidden') return 'SERVICE_HIDDEN';
  const pool = balancer.pick(route.ready, tried) ?? balancer.pick(route.terminating, tried);
  if (pool) return pool;
  if (route.ready.some((known) => known.full)) return 'OVERLOADED';
  return route.ready.length + route.terminating.length === 0 && route.destination.unprotected > 0
    ? 'ENDPOINT_UNPROTECTED'
    : 'NO_ENDPOINT';
}

/**
 * For another attempt. Behind an address of the directory stand endpoints that only the cluster knows, and each
 * connection to it may lead to another of them: where all were tried, they are tried again.
 */
export function chooseAgain(balancer: Balancer, route: Route, tried: readonly Pool[]): Pool | Code {
  const pool = choose(balancer, route, tried);
  const unseen = typeof pool === 'string' && route.destination.kind === 'directory';
  return unseen ? choose(balancer, route, []) : pool;
}

/**
 * no: it may have been processed. elsewhere: it was not, or a second time does no harm. anew: a kept connection turned
 * out to be closed, which says nothing about its endpoint.
 */
export function mayRetry(failure: Failure, idempotent: boolean): 'no' | 'elsewhere' | 'anew' {
  if (!failure.sent || failure.unprocessed) return 'elsewhere';
  if (failure.reused && idempotent && failure.code === 'UPSTREAM_RESET') return 'anew';
  return 'no';
}
