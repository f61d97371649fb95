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

/** What is other than `before`; all where nothing was known. */
export function newsOf(before: Heard | undefined, { report, connected, responsive }: Heard): News {
  return {
    resources: changed(before?.report.inForce?.resources ?? NOTHING, report.inForce?.resources ?? NOTHING),
    refused: textOf(report.refused) !== textOf(before?.report.refused),
    connection: before?.connected !== connected || before.responsive !== responsive,
  };
}
