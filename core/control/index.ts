import { WeftError } from '../errors/index.ts';
import {
  validateAckMessage,
  validateAskMessage,
  validateForwardMessage,
  validateRefusalMessage,
  validateStateMessage,
} from '../generated/control.js';
import type { SchemaError } from '../generated/schemaError.d.ts';
import { fieldOf } from '../proxyConfig/parse.ts';
import { CONTROL_VERSION } from './protocol.ts';
import type { ForwardMessage, ProxyMessage } from './schema.ts';

export * from './protocol.ts';
export type * from './pages.ts';
export type * from './schema.ts';

type Validate = ((value: unknown) => boolean) & { errors?: SchemaError[] | null };

const ofProxies: Readonly<Record<string, Validate>> = {
  state: validateStateMessage,
  ack: validateAckMessage,
  refusal: validateRefusalMessage,
  ask: validateAskMessage,
};

const invalid = (message: string, field?: string, cause?: unknown) =>
  new WeftError('MESSAGE_INVALID', message, {
    resource: 'message',
    ...(field === undefined ? {} : { field }),
    ...(cause === undefined ? {} : { cause }),
  });

function read(text: string): { type?: unknown; report?: { version?: unknown } | null } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`not JSON: ${(cause as Error).message}`, undefined, cause);
  }
  if (value === null || typeof value !== 'object') throw invalid('not an object');
  return value;
}

function check(value: unknown, validate: Validate): void {
  if (validate(value)) return;
  const [error] = validate.errors ?? [];
  throw invalid(error?.message ?? 'does not match the schema', error ? fieldOf(error) : '');
}

/** Reads a message of a proxy. Throws WeftError MESSAGE_INVALID or DOCUMENT_VERSION_UNKNOWN. */
export function parseProxyMessage(text: string): ProxyMessage {
  const value = read(text);
  const validate = typeof value.type === 'string' ? ofProxies[value.type] : undefined;
  if (!validate || !Object.hasOwn(ofProxies, value.type as string)) throw invalid('unknown type', 'type');
  if (value.type === 'state' && value.report?.version !== CONTROL_VERSION) {
    throw new WeftError('DOCUMENT_VERSION_UNKNOWN', `this operator knows ${CONTROL_VERSION}`, {
      resource: 'message',
      field: 'report.version',
    });
  }
  check(value, validate);
  return value as unknown as ProxyMessage;
}

/** Reads a message of another replica. Throws WeftError MESSAGE_INVALID. */
export function parseForwardMessage(text: string): ForwardMessage {
  const value = read(text);
  check(value, validateForwardMessage);
  return value as unknown as ForwardMessage;
}
