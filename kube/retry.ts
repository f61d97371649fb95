import { ApiError } from './apiError.ts';
import { backoffMs } from './clock.ts';
import type { RequestOptions } from './transport.ts';

const DEFAULT_RETRIES = 3;
const BACKOFF = { baseMs: 200, maxMs: 5_000 };
/** A server that asks for more than this is asked again by the caller's own backoff. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Doing it twice is the same as doing it once. A JSON patch and a DELETE by name are not: the object may be another. */
function isIdempotent({ method = 'GET', contentType }: RequestOptions): boolean {
  if (method === 'GET' || method === 'PUT') return true;
  return method === 'PATCH' && contentType !== 'application/json-patch+json';
}

const neverSent = (error: ApiError): boolean =>
  error.cause instanceof Error && (error.cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';

/** When to try again, ms; undefined: not at all. */
export function retryDelayMs(
  error: unknown,
  options: RequestOptions,
  { attempt, random }: { attempt: number; random: () => number },
): number | undefined {
  if (!(error instanceof ApiError) || attempt >= (options.retries ?? DEFAULT_RETRIES)) return undefined;
  const backoff = backoffMs(BACKOFF, attempt + 1, random);
  // The server says that it has not done it (API Priority and Fairness; a server that starts or stops).
  if ((error.status === 429 || error.status === 503) && error.retryAfterMs !== undefined) {
    return error.retryAfterMs <= MAX_RETRY_AFTER_MS ? Math.max(error.retryAfterMs, backoff) : undefined;
  }
  if (error.status === 0 && error.reason === 'Unreachable') {
    return isIdempotent(options) || neverSent(error) ? backoff : undefined;
  }
  return error.status === 429 || error.status === 503 ? whenIdempotent(options, backoff) : undefined;
}

const whenIdempotent = (options: RequestOptions, delay: number): number | undefined =>
  isIdempotent(options) ? delay : undefined;
