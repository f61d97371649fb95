/** AdmissionReview v1 (Kubernetes, "Dynamic Admission Control"): reading requests and building answers. Pure. */
import { WeftError, type Problem } from '../core/errors/index.ts';
import type { Operation } from './inject/index.ts';

const REVIEW_API = 'admission.k8s.io/v1';

export interface GroupVersionResource {
  group: string;
  version: string;
  resource: string;
}

/** The part of an AdmissionRequest that Weft reads. */
export interface AdmissionRequest {
  uid: string;
  operation: string;
  resource: GroupVersionResource;
  subResource?: string;
  namespace?: string;
  name?: string;
  object?: unknown;
  oldObject?: unknown;
  dryRun?: boolean;
}

export interface AdmissionResponse {
  uid: string;
  allowed: boolean;
  patchType?: 'JSONPatch';
  /** Base64 of the operations. */
  patch?: string;
  warnings?: string[];
  status?: object;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function bad(message: string, field = ''): never {
  throw new WeftError('REVIEW_INVALID', message, { resource: 'AdmissionReview', field });
}

/** Reads the body of a webhook call. Throws WeftError REVIEW_INVALID; the version is refused rather than guessed. */
export function parseReview(text: string): AdmissionRequest {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch (error) {
    return bad(`not JSON: ${(error as Error).message}`);
  }
  if (!isObject(review) || review['kind'] !== 'AdmissionReview') return bad('not an AdmissionReview', 'kind');
  if (review['apiVersion'] !== REVIEW_API) {
    return bad(
      `version ${JSON.stringify(review['apiVersion'])}; this webhook speaks ${REVIEW_API}`,
      'apiVersion',
    );
  }
  const { request } = review;
  if (!isObject(request)) return bad('has no request', 'request');
  const { uid, operation, resource } = request;
  if (typeof uid !== 'string' || uid === '') return bad('has no uid', 'request.uid');
  if (typeof operation !== 'string') return bad('has no operation', 'request.operation');
  if (!isObject(resource) || typeof resource['resource'] !== 'string')
    return bad('has no resource', 'request.resource');
  return request as unknown as AdmissionRequest;
}

/** The object of a creation or update. Throws WeftError REVIEW_INVALID where the request carries none. */
export function objectOf<T extends object>(request: AdmissionRequest): T {
  return isObject(request.object) ? (request.object as T) : bad('has no object', 'request.object');
}

/** Warnings longer than 256 characters, or than 4096 together, are cut or dropped by the API server. */
const LONGEST_WARNING = 256;
const MOST_WARNINGS = 16;

function shown(warnings: readonly string[]): string[] {
  const cut = warnings.slice(0, MOST_WARNINGS).map((text) => {
    const line = text.replaceAll(/\s+/g, ' ');
    return line.length > LONGEST_WARNING ? `${line.slice(0, LONGEST_WARNING - 1)}…` : line;
  });
  const left = warnings.length - cut.length;
  return left > 0 ? [...cut, `and ${left} more warnings`] : cut;
}

const withWarnings = (warnings: readonly string[]) =>
  warnings.length > 0 ? { warnings: shown(warnings) } : {};

export function allow(request: AdmissionRequest, warnings: readonly string[] = []): AdmissionResponse {
  return { uid: request.uid, allowed: true, ...withWarnings(warnings) };
}

export function allowWithPatch(
  request: AdmissionRequest,
  patch: readonly Operation[],
  warnings: readonly string[],
): AdmissionResponse {
  if (patch.length === 0) return allow(request, warnings);
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
  return { ...allow(request, warnings), patchType: 'JSONPatch', patch: encoded };
}

/** `spec.mtls.mode: must be one of … (INVALID_FIELD)`. */
const describe = ({ field, message, code }: Problem): string =>
  `${field === '' ? '' : `${field}: `}${message} (${code})`;

/**
 * Refuses with one cause for each problem, so that `kubectl` prints each field's name; the message has them all
 * too, for clients and events that show nothing else.
 */
export function refuse(
  request: AdmissionRequest,
  options: { kind: string; problems: readonly Problem[]; warnings?: readonly string[] },
): AdmissionResponse {
  const { kind, problems, warnings = [] } = options;
  const object = request.object as { metadata?: { name?: string; generateName?: string } } | undefined;
  const name = request.name || object?.metadata?.name || object?.metadata?.generateName || '';
  return {
    uid: request.uid,
    allowed: false,
    ...withWarnings(warnings),
    status: {
      status: 'Failure',
      code: 422,
      reason: 'Invalid',
      message: problems.map(describe).join('; '),
      details: {
        group: request.resource.group,
        kind,
        name,
        causes: problems.map((problem) => ({
          reason: 'FieldValueInvalid',
          field: problem.field,
          message: `${problem.message} (${problem.code})`,
        })),
      },
    },
  };
}

/** The body of an answer. */
export const reviewOf = (response: AdmissionResponse): object => ({
  apiVersion: REVIEW_API,
  kind: 'AdmissionReview',
  response,
});
