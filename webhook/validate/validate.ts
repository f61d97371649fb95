/** Whether a mesh resource may be stored: its schema, its meaning, and what must not change. Pure. */
import {
  API_VERSION,
  parseMeshConfig,
  parseMeshConfigSpec,
  parseMeshPolicy,
  type MeshPolicy,
  type RawResource,
} from '../../core/api/index.ts';
import type { Problem } from '../../core/errors/index.ts';
import { canonicalJson } from '../../core/proxyConfig/index.ts';

export interface ValidateInput {
  object: RawResource;
  /** What is stored now; absent on creation. */
  oldObject?: RawResource;
  /** Of the mesh as it runs. */
  trustDomain: string;
}

/** `policy`: a valid MeshPolicy with its defaults, about which warnings can be asked. */
export type Verdict = { ok: true; policy?: MeshPolicy } | { ok: false; problems: Problem[] };

/** Metadata may always be changed, also of a resource that an earlier version accepted and this one would not. */
const sameSpec = ({ object, oldObject }: ValidateInput): boolean =>
  oldObject !== undefined && canonicalJson(object.spec ?? {}) === canonicalJson(oldObject.spec ?? {});

function meshPolicy({ object }: ValidateInput): Verdict {
  const policy = parseMeshPolicy(object);
  return policy.ok ? { ok: true, policy: policy.value } : { ok: false, problems: policy.error };
}

/** All identities carry the trust domain: one that differs would leave every proxy without a peer it believes. */
function meshConfig({ object, oldObject, trustDomain }: ValidateInput): Verdict {
  const config = parseMeshConfig(object);
  if (!config.ok) return { ok: false, problems: config.error };
  const before = oldObject && parseMeshConfigSpec(oldObject.spec);
  const fixed = before?.ok ? before.value.trustDomain : trustDomain;
  if (config.value.spec.trustDomain === fixed) return { ok: true };
  const message = before?.ok
    ? `cannot be changed from ${fixed}: certificates in use carry it`
    : `must be ${fixed}, with which the mesh was installed (value trustDomain of the chart)`;
  return { ok: false, problems: [{ code: 'INVALID_FIELD', field: 'spec.trustDomain', message }] };
}

const kinds = new Map<string, (input: ValidateInput) => Verdict>([
  ['MeshPolicy', meshPolicy],
  ['MeshConfig', meshConfig],
]);

export const isKnownKind = (kind: string | undefined): kind is string => kinds.has(kind ?? '');

/** Judges a resource on CREATE or UPDATE. A kind or version that this webhook does not know is refused. */
export function validate(input: ValidateInput): Verdict {
  const { apiVersion, kind } = input.object;
  const judge = kinds.get(kind ?? '');
  if (apiVersion !== API_VERSION || !judge) {
    const message = `${apiVersion ?? ''} ${kind ?? ''} is not known to this version, which knows ${[...kinds.keys()].join(' and ')} of ${API_VERSION}`;
    return { ok: false, problems: [{ code: 'NOT_SUPPORTED', field: 'kind', message }] };
  }
  return sameSpec(input) ? { ok: true } : judge(input);
}
