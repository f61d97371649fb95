import { WeftError, type Code } from '../core/errors/index.ts';

/** metav1.Status, as far as Weft reads it. */
export interface KubeStatus {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

export interface ApiErrorOptions {
  code: Code;
  /** HTTP status; 0 where there was no answer. */
  status: number;
  /** Status.reason: NotFound, AlreadyExists, Conflict, Expired, Forbidden, Invalid…; or Unreachable, Timeout, TooLarge, NotJson. */
  reason: string;
  /** `GET /api/v1/pods`. */
  request: string;
  details?: KubeStatus['details'];
  retryAfterMs?: number;
  cause?: unknown;
}

/** What went wrong with one request to the Kubernetes API. */
export class ApiError extends WeftError {
  readonly status: number;
  readonly reason: string;
  readonly request: string;
  readonly details: KubeStatus['details'];
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ApiErrorOptions) {
    const field = options.details?.causes?.[0]?.field;
    super(options.code, message, {
      resource: options.request,
      ...(field ? { field } : {}),
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    });
    this.name = 'ApiError';
    this.status = options.status;
    this.reason = options.reason;
    this.request = options.request;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

const isStatus = (body: unknown): body is KubeStatus =>
  typeof body === 'object' && body !== null && (body as KubeStatus).kind === 'Status';

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3; the API server sends seconds) or of Status.details. */
function retryAfterOf(header: string | undefined, status: KubeStatus | undefined): number | undefined {
  const seconds = header === undefined ? status?.details?.retryAfterSeconds : Number(header);
  return seconds !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

export interface Refusal {
  request: string;
  status: number;
  /** The parsed body, or its text where it is not JSON. */
  body: unknown;
  retryAfter?: string | undefined;
}

/** An ApiError from an answer other than 2xx, or from the Status object of a watch's ERROR event. */
export function refusalError({ request, status, body, retryAfter }: Refusal): ApiError {
  const known = isStatus(body) ? body : undefined;
  const text = typeof body === 'string' ? body.trim().slice(0, 300) : '';
  const retryAfterMs = retryAfterOf(retryAfter, known);
  return new ApiError(known?.message ?? (text || `answered ${status}`), {
    code: 'KUBERNETES_REFUSED',
    status,
    reason: known?.reason || REASONS[status] || 'Unknown',
    request,
    details: known?.details,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

const hasReason =
  (...reasons: string[]) =>
  (error: unknown): error is ApiError =>
    error instanceof ApiError && reasons.includes(error.reason);

export const isNotFound = hasReason('NotFound');
export const isAlreadyExists = hasReason('AlreadyExists');
/** A stale resourceVersion, a failed precondition, or a field of another manager in an apply without force. */
export const isConflict = hasReason('Conflict');
/** The history that the request asked for is gone: list again. */
export const isGone = hasReason('Gone', 'Expired');
export const isForbidden = hasReason('Forbidden');
export const isInvalid = hasReason('Invalid');

/** True where the same request may succeed later without any change: no answer, too many requests, server errors. */
export const isTransient = (error: unknown): error is ApiError =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
