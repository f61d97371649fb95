import type { KubeStatus } from '../apiError.ts';

type Details = NonNullable<KubeStatus['details']>;

/** An answer that is a metav1.Status of failure. */
export class StatusError extends Error {
  readonly status: KubeStatus & { apiVersion: string; metadata: object; status: 'Failure'; code: number };

  constructor(code: number, reason: string, options: { message: string; details?: Details }) {
    super(options.message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: options.message,
      reason,
      ...(options.details ? { details: options.details } : {}),
      code,
    };
  }
}

/** `deployments.apps "cart"`, as messages of the API server name an object. */
export const nameOf = (resource: { plural: string; group: string }, name: string): string =>
  `${resource.plural}${resource.group ? `.${resource.group}` : ''} ${JSON.stringify(name)}`;

export const notFound = (resource: { plural: string; group: string }, name: string): StatusError =>
  new StatusError(404, 'NotFound', {
    message: `${nameOf(resource, name)} not found`,
    details: { name, group: resource.group, kind: resource.plural },
  });

export const noSuchPath = (): StatusError =>
  new StatusError(404, 'NotFound', { message: 'the server could not find the requested resource' });

export const conflict = (
  resource: { plural: string; group: string },
  name: string,
  why: string,
): StatusError =>
  new StatusError(409, 'Conflict', {
    message: `Operation cannot be fulfilled on ${nameOf(resource, name)}: ${why}`,
    details: { name, group: resource.group, kind: resource.plural },
  });

export const invalid = (message: string, field?: string): StatusError =>
  new StatusError(422, 'Invalid', {
    message,
    ...(field ? { details: { causes: [{ reason: 'FieldValueInvalid', message, field }] } } : {}),
  });

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', { message });

export const expired = (asked: string, oldest: number): StatusError =>
  new StatusError(410, 'Expired', { message: `too old resource version: ${asked} (${oldest})` });

/** Why a write with an old resourceVersion is refused. */
export const STALE =
  'the object has been modified; please apply your changes to the latest version and try again';
