/** Mesh resources → those in force, and those refused. An invalid change never replaces what was good. */
import {
  olderFirst,
  parseMeshConfig,
  parseMeshConfigSpec,
  parseMeshPolicy,
  type MeshConfig,
  type MeshConfigSpec,
  type MeshPolicy,
  type Problem,
} from '../core/api/index.ts';
import type { Result } from '../core/errors/index.ts';
import type { RejectedResource } from '../core/model/index.ts';
import type { RawMesh } from './objects.ts';

/** A resource as it was judged last. */
interface Judged<T> {
  raw: RawMesh;
  good: T | undefined;
  problems: readonly Problem[];
}

type Parse<T> = (raw: RawMesh) => Result<T>;
type Resource = Pick<MeshPolicy, 'metadata'> & { spec: object };

/** Remembers the last good form of each resource of a kind by uid, as long as the resource exists. */
class LastGood<T extends Resource> {
  readonly #parse: Parse<T>;
  #judged = new Map<string, Judged<T>>();

  constructor(parse: Parse<T>) {
    this.#parse = parse;
  }

  judge(list: readonly RawMesh[]): readonly Judged<T>[] {
    const next = new Map<string, Judged<T>>();
    for (const raw of list) {
      // a resource that was deleted and made again is another one: nothing of the first stays in force
      const uid = raw.metadata.uid ?? `${raw.metadata.namespace ?? ''}/${raw.metadata.name}`;
      const last = this.#judged.get(uid);
      next.set(uid, last?.raw === raw ? last : this.#judgeOne(raw, last));
    }
    this.#judged = next;
    return [...next.values()];
  }

  #judgeOne(raw: RawMesh, last: Judged<T> | undefined): Judged<T> {
    const generation = raw.metadata.generation;
    // a change of status alone: the spec stays the very same value, so that nothing is compiled again
    if (last?.good && generation !== undefined && last.good.metadata.generation === generation) {
      return { raw, good: withStatus({ ...last.good, metadata: raw.metadata }, raw), problems: [] };
    }
    const parsed = this.#parse(raw);
    if (parsed.ok) return { raw, good: withStatus(parsed.value, raw), problems: [] };
    return { raw, good: last?.good, problems: parsed.error };
  }
}

const withStatus = <T extends Resource>(resource: T, raw: RawMesh): T => {
  const { status } = raw as { status?: unknown };
  return status === undefined ? resource : { ...resource, status };
};

function rejectedOf(kind: RejectedResource['kind'], judged: Judged<Resource>): RejectedResource[] {
  const { raw, good, problems } = judged;
  if (problems.length === 0) return [];
  const { namespace, name, uid = '', generation = 0 } = raw.metadata;
  const inForce = good?.metadata.generation;
  const { status } = raw as Pick<RejectedResource, 'status'>;
  return [
    {
      kind,
      ...(namespace ? { namespace } : {}),
      name,
      uid,
      generation,
      problems,
      ...(inForce === undefined ? {} : { inForce }),
      ...(status ? { status } : {}),
    },
  ];
}

export interface MeshResources {
  /** Oldest first. */
  readonly policies: readonly MeshPolicy[];
  readonly meshConfig: MeshConfigSpec;
  readonly meshConfigResource: MeshConfig | undefined;
  readonly rejected: readonly RejectedResource[];
}

/** Judges the mesh resources of one snapshot after the other. */
export class MeshResourceJudge {
  readonly #policies = new LastGood<MeshPolicy>(parseMeshPolicy);
  readonly #configs = new LastGood<MeshConfig>(parseMeshConfig);
  readonly #defaults: MeshConfigSpec;

  /** `trustDomain`: what holds until there is a MeshConfig. */
  constructor(trustDomain: string | undefined) {
    const parsed = parseMeshConfigSpec(trustDomain === undefined ? {} : { trustDomain });
    if (!parsed.ok)
      throw new RangeError(`trust domain: ${parsed.error.map(({ message }) => message).join(', ')}`);
    this.#defaults = parsed.value;
  }

  judge(policies: readonly RawMesh[], configs: readonly RawMesh[]): MeshResources {
    const judgedPolicies = this.#policies.judge(policies);
    // any other name is refused by its check, so at most one is good
    const judgedConfigs = this.#configs.judge(configs);
    const config = judgedConfigs.find(({ good }) => good)?.good;
    return {
      policies: judgedPolicies.flatMap(({ good }) => (good ? [good] : [])).sort(olderFirst),
      meshConfig: config?.spec ?? this.#defaults,
      meshConfigResource: config,
      rejected: [
        ...judgedPolicies.flatMap((each) => rejectedOf('MeshPolicy', each)),
        ...judgedConfigs.flatMap((each) => rejectedOf('MeshConfig', each)),
      ],
    };
  }
}
