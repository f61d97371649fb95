/** Which fields are worth a place in the dynamic table, and which must not have one. */
import { STATIC_NAMES } from './staticTable.ts';

/**
 * `index`: repeats, as most fields do. `volatile`: differs nearly each time, so that each value would drive something
 * useful out of the table and never be referred to. `secret`: whoever can make requests on the same connection could
 * find a value in the table by guessing, so it is sent never-indexed, RFC 7541 7.1. `secretIfShort`: the same below
 * GUESSABLE bytes; a longer value is out of reach of guessing, and repeats usefully.
 */
export type Policy = 'index' | 'volatile' | 'secret' | 'secretIfShort';

const VOLATILE: readonly string[] = [
  // what is asked for: paths carry ids and queries
  [':path', 'location', 'content-location', 'referer', 'range', 'content-range'],
  // what the answer is like: lengths, times, versions
  ['age', 'content-length', 'date', 'etag', 'expires', 'last-modified', 'retry-after', 'server-timing'],
  ['x-runtime', 'x-response-time', 'x-envoy-upstream-service-time'],
  ['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since'],
  // what is left of a deadline
  ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms'],
  // one for each request
  ['x-request-id', 'x-correlation-id', 'idempotency-key', 'traceparent', 'tracestate', 'baggage', 'b3'],
  ['x-amzn-trace-id', 'x-cloud-trace-context', 'uber-trace-id', 'sentry-trace', 'grpc-trace-bin'],
].flat();

const SECRET = ['authorization', 'proxy-authorization', 'set-cookie'];

/** Bytes below which a cookie could be guessed. */
export const GUESSABLE = 20;

/** What is known of a name before it is ever sent. */
export interface KnownName {
  readonly policy: Policy;
  /** Lowest index in the static table; 0 where it is not there. */
  readonly staticIndex: number;
}

/** The names that an encoder may remember for good; there are no others. */
export const KNOWN_NAMES: ReadonlyMap<string, KnownName> = known();

function known(): Map<string, KnownName> {
  const policies = new Map<string, Policy>(STATIC_NAMES.slice(1).map((name) => [name, 'index']));
  for (const name of VOLATILE) policies.set(name, 'volatile');
  for (const name of SECRET) policies.set(name, 'secret');
  policies.set('cookie', 'secretIfShort');
  const entries = [...policies].map(([name, policy]) => {
    return [name, { policy, staticIndex: Math.max(STATIC_NAMES.indexOf(name), 0) }] as const;
  });
  return new Map(entries);
}

/** Policy of a name that is not known: spans of Zipkin's headers differ each time, the rest is worth a try. */
export function policyOf(name: string): Policy {
  return name.startsWith('x-b3-') ? 'volatile' : 'index';
}
