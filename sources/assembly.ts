/** Objects of many files → the objects of a mesh, with what an API server would have given them. */
import { WeftError } from '../core/errors/index.ts';
import type { Manifest } from './manifests.ts';
import { noObjects, rawKey, rawKinds, type RawKind, type RawObject, type RawObjects } from './objects.ts';
import type { RawPodSpec, RawTemplate } from './objects.ts';

interface Known {
  readonly file: string;
  readonly text: string;
  readonly specText: string;
  readonly object: RawObject;
}

interface Assembled {
  readonly objects: RawObjects;
  /** False where nothing is another object than last time. */
  readonly changed: boolean;
  /** New ones; one that lasts is told once. */
  readonly problems: readonly WeftError[];
}

const specTextOf = (object: RawObject): string => {
  const { metadata: _metadata, status: _status, ...rest } = object as RawObject & { status?: unknown };
  return JSON.stringify(rest);
};

/** ServiceAccounts and namespaces that objects speak of. A cluster has them; files need not say so. */
function implied(kind: RawKind, object: RawObject): Manifest[] {
  const { namespace } = object.metadata;
  if (!namespace) return [];
  const out: Manifest[] = [
    { kind: 'namespaces', object: { metadata: { name: namespace, uid: `ns-${namespace}` } } },
  ];
  const spec = podSpecOf(kind, object);
  if (spec) {
    const name = spec.serviceAccountName || 'default';
    out.push({
      kind: 'serviceAccounts',
      object: { metadata: { name, namespace, uid: `sa-${namespace}-${name}` } },
    });
  }
  return out;
}

function podSpecOf(kind: RawKind, object: RawObject): RawPodSpec | undefined {
  const { spec = {} } = object as {
    spec?: { template?: RawTemplate; jobTemplate?: { spec?: { template?: RawTemplate } } };
  };
  if (kind === 'pods') return spec as RawPodSpec;
  if (kind === 'cronJobs') return spec.jobTemplate?.spec?.template?.spec ?? {};
  const hasTemplate =
    kind === 'deployments' || kind === 'statefulSets' || kind === 'daemonSets' || kind === 'jobs';
  return hasTemplate ? (spec.template?.spec ?? {}) : undefined;
}

/** Assembles one state after the other: an object that says the same stays the same value. */
export class Assembly {
  #known = new Map<string, Known>();
  #objects: RawObjects = noObjects;
  #told = new Set<string>();

  assemble(files: readonly { file: string; manifests: readonly Manifest[] }[]): Assembled {
    const next = new Map<string, Known>();
    const problems = new Map<string, WeftError>();
    for (const { file, manifests } of files) {
      for (const { kind, object } of manifests) {
        const key = `${kind}/${rawKey(object)}`;
        const other = next.get(key);
        if (other) problems.set(`${file} ${key}`, duplicate(file, { kind, object, other: other.file }));
        else next.set(key, this.#know(key, file, object));
      }
    }
    for (const { manifests } of files) {
      for (const { kind, object } of manifests.flatMap((each) => implied(each.kind, each.object))) {
        const key = `${kind}/${rawKey(object)}`;
        if (!next.has(key)) next.set(key, this.#know(key, '', object));
      }
    }
    const fresh = [...problems].filter(([key]) => !this.#told.has(key)).map(([, problem]) => problem);
    this.#told = new Set(problems.keys());
    return { ...this.#settle(next), problems: fresh };
  }

  /** The last value if it says the same; else a new one, of a higher generation if more than its metadata changed. */
  #know(key: string, file: string, object: RawObject): Known {
    const last = this.#known.get(key);
    const text = JSON.stringify(object);
    if (last?.text === text) return { ...last, file };
    const specText = specTextOf(object);
    const before = last?.object.metadata.generation ?? 0;
    const generation = object.metadata.generation ?? (last?.specText === specText ? before : before + 1);
    return { file, text, specText, object: { ...object, metadata: { ...object.metadata, generation } } };
  }

  #settle(next: Map<string, Known>): Pick<Assembled, 'objects' | 'changed'> {
    const lists = new Map<RawKind, RawObject[]>();
    for (const [key, { object }] of next) {
      const kind = key.slice(0, key.indexOf('/')) as RawKind;
      const list = lists.get(kind);
      if (list) list.push(object);
      else lists.set(kind, [object]);
    }
    let changed = false;
    const objects = Object.fromEntries(
      (Object.keys(rawKinds) as RawKind[]).map((kind) => {
        const list = lists.get(kind) ?? [];
        const last: readonly RawObject[] = this.#objects[kind];
        if (last.length === list.length && list.every((object, index) => object === last[index]))
          return [kind, last];
        changed = true;
        return [kind, list];
      }),
    ) as unknown as RawObjects;
    this.#known = next;
    this.#objects = objects;
    return { objects, changed };
  }
}

const duplicate = (
  file: string,
  { kind, object, other }: { kind: RawKind; object: RawObject; other: string },
): WeftError =>
  new WeftError(
    'FILE_INVALID',
    `${rawKinds[kind].kind} ${rawKey(object)} is in ${other} already; that one counts`,
    {
      resource: file,
    },
  );
