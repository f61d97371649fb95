/** Text of a file → Kubernetes objects. Pure. All or nothing: a file with a mistake gives the mistake. */
import { createHash } from 'node:crypto';
import { loadAll, YAML11_SCHEMA, YAMLException } from 'js-yaml';
import { WeftError } from '../core/errors/index.ts';
import { rawKinds, type RawKind, type RawObject } from './objects.ts';
import { shapeProblem } from './shapes.ts';

export interface Manifest {
  readonly kind: RawKind;
  readonly object: RawObject;
}

const GROUP = 'mesh.weft.dev/';

const kindsByName = new Map(Object.entries(rawKinds).map(([list, { kind }]) => [kind, list as RawKind]));

interface Origin {
  readonly file: string;
  /** Place of the document in the file, from 0. */
  readonly document: number;
}

function refuse({ file, document }: Origin, field: string, message: string): WeftError {
  return new WeftError('FILE_INVALID', `document ${document}${field ? `, ${field}` : ''}: ${message}`, {
    resource: file,
    ...(field ? { field } : {}),
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** The kind of list that an object belongs to; undefined for kinds that Weft does not read. */
function kindOf(value: Record<string, unknown>, origin: Origin): RawKind | undefined {
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string') throw refuse(origin, 'apiVersion', 'is required');
  if (typeof kind !== 'string') throw refuse(origin, 'kind', 'is required');
  const list = kindsByName.get(kind);
  if (list && rawKinds[list].apiVersion === apiVersion) return list;
  // another group's Service or Job is its own affair; ours would be ignored silently
  if (apiVersion.startsWith(GROUP)) throw refuse(origin, 'kind', `${apiVersion} ${kind} is not known`);
  return undefined;
}

/** A uid that depends on nothing but what the object is called. */
function uidOf(kind: RawKind, { namespace = '', name }: RawObject['metadata']): string {
  const hex = createHash('sha256').update(`${kind}/${namespace}/${name}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

function complete(kind: RawKind, object: RawObject, namespace: string): RawObject {
  const { namespace: own, ...metadata } = object.metadata;
  const placed = rawKinds[kind].namespaced ? { ...metadata, namespace: own ?? namespace } : metadata;
  return { ...object, metadata: { ...placed, uid: placed.uid ?? uidOf(kind, placed) } };
}

function manifestsOf(value: unknown, origin: Origin, namespace: string): Manifest[] {
  // what is between two `---` may be nothing
  if (value === null || value === undefined) return [];
  if (!isRecord(value)) throw refuse(origin, '', 'is no Kubernetes object');
  if (value['kind'] === 'List' && Array.isArray(value['items'])) {
    return value['items'].flatMap((item) => manifestsOf(item, origin, namespace));
  }
  const kind = kindOf(value, origin);
  if (!kind) return [];
  const problem = shapeProblem(kind, value);
  if (problem) throw refuse(origin, problem.field, problem.message);
  return [{ kind, object: complete(kind, value as unknown as RawObject, namespace) }];
}

/** In which document of a file a line is; both from 0. */
function documentAt(text: string, line: number): number {
  let document = 0;
  let begun = false;
  for (const each of text.split('\n').slice(0, line)) {
    if (/^---(\s|$)/.test(each)) {
      document += begun ? 1 : 0;
      begun = true;
    } else if (!/^\s*(#|$)/.test(each)) begun = true;
  }
  return document;
}

/** As JSON carries it: YAML has dates and cycles, the API has neither. */
function asJson(value: unknown, origin: Origin): unknown {
  try {
    return JSON.parse(JSON.stringify(value ?? null));
  } catch {
    throw refuse(origin, '', 'contains itself by an alias');
  }
}

/**
 * The objects of a file of YAML or JSON documents; `namespace` is for those that name none. Throws WeftError
 * FILE_INVALID with file, document and field.
 */
export function parseManifests(text: string, file: string, namespace: string): Manifest[] {
  let documents: unknown[];
  try {
    documents = loadAll(text, { schema: YAML11_SCHEMA });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const line = cause.mark?.line ?? 0;
    throw refuse({ file, document: documentAt(text, line) }, '', `line ${line + 1}: ${cause.reason}`);
  }
  return documents.flatMap((value, document) => {
    const origin = { file, document };
    return manifestsOf(asJson(value, origin), origin, namespace);
  });
}
