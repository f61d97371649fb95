import type { Problem, Result } from '../errors/index.ts';
import { validateMeshConfigSpec, validateMeshPolicySpec } from '../generated/resources.js';
import type { SchemaError } from '../generated/schemaError.d.ts';
import type { MeshConfigSpec } from './meshConfig.ts';
import type { MeshPolicySpec } from './meshPolicy.ts';

type Validator = ((value: unknown) => boolean) & { errors?: SchemaError[] | null };

/** `spec.authorization.rules[0].to[0].methods` from a JSON pointer below `spec`. */
function pathOf(pointer: string): string {
  const parts = pointer.split('/').slice(1);
  return parts
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (path, part) =>
        /^[0-9]+$/.test(part) && !path.endsWith('.ports') ? `${path}[${part}]` : `${path}.${part}`,
      'spec',
    );
}

function toProblem(error: SchemaError): Problem {
  const at = pathOf(error.instancePath);
  const { additionalProperty, missingProperty, allowedValues, pattern } = error.params;
  if (error.keyword === 'additionalProperties') {
    return { code: 'UNKNOWN_FIELD', field: `${at}.${String(additionalProperty)}`, message: 'unknown field' };
  }
  if (error.keyword === 'required') {
    return { code: 'INVALID_FIELD', field: `${at}.${String(missingProperty)}`, message: 'is required' };
  }
  if (error.keyword === 'enum') {
    return {
      code: 'INVALID_FIELD',
      field: at,
      message: `must be one of ${(allowedValues as string[]).join(', ')}`,
    };
  }
  if (error.keyword === 'pattern') {
    return { code: 'INVALID_FIELD', field: at, message: `does not match ${String(pattern)}` };
  }
  return { code: 'INVALID_FIELD', field: at, message: error.message ?? 'is not valid' };
}

function parse<T>(spec: unknown, validate: Validator): Result<T> {
  // defaults are filled in, so a copy: the caller's object stays as it came
  const value: unknown = structuredClone(spec ?? {});
  if (validate(value)) return { ok: true, value: value as T };
  const problems = (validate.errors ?? []).map(toProblem);
  const seen = new Set<string>();
  return {
    ok: false,
    error: problems.filter(({ field, message }) => !seen.has(field + message) && seen.add(field + message)),
  };
}

/** Checks the schema of a MeshPolicy's spec and fills in its defaults. Meaning is checked by webhook/validate. */
export function parseMeshPolicySpec(spec: unknown): Result<MeshPolicySpec> {
  return parse(spec, validateMeshPolicySpec);
}

/** Checks the schema of a MeshConfig's spec and fills in its defaults; `undefined` gives the defaults. */
export function parseMeshConfigSpec(spec: unknown): Result<MeshConfigSpec> {
  return parse(spec, validateMeshConfigSpec);
}
