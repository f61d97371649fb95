/** Which part of what a proxy says is news: most reports say only that new endpoints are in force, and mean no work. */
import type { Report } from '../../core/control/index.ts';
import type { ResourceVersion } from '../../core/proxyConfig/index.ts';
import type { Heard } from '../status/proxies.ts';

export interface News {
  /** Keys of resources of which another version, or none any more, is in force. */
  readonly resources: readonly string[];
  readonly refused: boolean;
  readonly connection: boolean;
}

type Resources = Readonly<Record<string, ResourceVersion>>;

interface Known {
  resources: Resources;
  refused: string;
  connected: boolean;
  responsive: boolean;
}

const NOTHING: Resources = {};
const STILL: readonly string[] = [];

const textOf = (refused: Report['refused']): string =>
  refused ? `${refused.code} ${refused.field ?? ''} ${refused.message}` : '';

function changed(before: Resources, after: Resources): readonly string[] {
  if (before === after) return STILL;
  const isSame = (key: string): boolean =>
    before[key]?.uid === after[key]?.uid && before[key]?.generation === after[key]?.generation;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !isSame(key));
}

export class Digest {
  /** By uid of the pod. */
  readonly #known = new Map<string, Known>();

  /** What is other than when this was asked before. */
  take(uid: string, { report, connected, responsive = true }: Heard): News {
    const before = this.#known.get(uid);
    const resources = report.inForce?.resources ?? NOTHING;
    const refused = textOf(report.refused);
    this.#known.set(uid, { resources, refused, connected, responsive });
    return {
      resources: changed(before?.resources ?? NOTHING, resources),
      refused: refused !== (before?.refused ?? ''),
      connection: before?.connected !== connected || before.responsive !== responsive,
    };
  }

  forget(uid: string): void {
    this.#known.delete(uid);
  }
}
