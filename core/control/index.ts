import { WeftError } from '../errors/index.ts';
import { validateReport } from '../generated/documents.js';
import type { SchemaError } from '../generated/schemaError.d.ts';
import { fieldOf } from '../proxyConfig/parse.ts';
import { CONTROL_VERSION } from './protocol.ts';
import type { Report } from './schema.ts';

export * from './protocol.ts';
export * from './schema.ts';

export type ReportAnswer =
  | { ok: true }
  /** `leader` is `address:port` of the replica to report to, where the code is NOT_LEADER and it is known. */
  | { ok: false; code: string; message: string; leader?: string };

/** Reads a report. Throws WeftError DOCUMENT_INVALID or DOCUMENT_VERSION_UNKNOWN. */
export function parseReport(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WeftError('DOCUMENT_INVALID', `not JSON: ${(cause as Error).message}`, {
      resource: 'report',
      cause,
    });
  }
  if ((value as { version?: unknown } | null)?.version !== CONTROL_VERSION) {
    throw new WeftError('DOCUMENT_VERSION_UNKNOWN', `this operator knows ${CONTROL_VERSION}`, {
      resource: 'report',
      field: 'version',
    });
  }
  const validate = validateReport as ((value: unknown) => boolean) & { errors?: SchemaError[] | null };
  if (!validate(value)) {
    const [error] = validate.errors ?? [];
    throw new WeftError('DOCUMENT_INVALID', error?.message ?? 'does not match the schema', {
      resource: 'report',
      field: error ? fieldOf(error) : '',
    });
  }
  return value as Report;
}
