import { Type, type TSchema, type TSchemaOptions } from 'typebox';

export const GROUP = 'mesh.weft.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** A closed object: unknown keys are an error for every client (the admission webhook says so; see crd.ts). */
export function Closed<P extends Record<string, TSchema>>(properties: P, options: TSchemaOptions = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/** Durations as in Gateway API (GEP-2257): `500ms`, `2s`, `1h`, `1h30m`. */
export const DURATION_PATTERN = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

export function Duration(options: TSchemaOptions) {
  return Type.String({ pattern: DURATION_PATTERN, maxLength: 32, ...options });
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration that matches DURATION_PATTERN. Throws RangeError for anything else. */
export function durationMs(text: string): number {
  if (!new RegExp(DURATION_PATTERN).test(text))
    throw new RangeError(`not a duration: ${JSON.stringify(text)}`);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+)(ms|h|m|s)/g))
    total += Number(amount) * UNIT_MS[unit!]!;
  return total;
}

/** The part of Kubernetes' ObjectMeta that Weft reads. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  generation?: number;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** metav1.Condition (Kubernetes API conventions, "Typical status properties"). */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  observedGeneration: number;
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** Schema of `status.conditions`, shared by all kinds. */
export const Conditions = Type.Array(
  Closed({
    type: Type.String({ maxLength: 316 }),
    status: Type.Enum(['True', 'False', 'Unknown']),
    observedGeneration: Type.Optional(Type.Integer({ minimum: 0 })),
    lastTransitionTime: Type.String({ format: 'date-time' }),
    reason: Type.String({ minLength: 1, maxLength: 1024 }),
    message: Type.String({ maxLength: 32768 }),
  }),
  { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'], maxItems: 16 },
);

/** What the CRD generator needs to know of a kind beside its schemas. */
export interface Kind {
  kind: string;
  plural: string;
  singular: string;
  shortNames: string[];
  scope: 'Namespaced' | 'Cluster';
  description: string;
  spec: TSchema;
  status: TSchema;
  printerColumns: { name: string; type: string; jsonPath: string; description?: string; priority?: number }[];
  /** CEL rules on the whole object (Kubernetes "Validation rules"). */
  rules?: { rule: string; message: string }[];
}
