/**
 * Messages of the operator as they go over the wire, joined from the texts of parts: nothing is parsed or serialized
 * again, and what several proxies need alike is made once for all of them.
 */
import type { CompiledDirectory, CompiledDocument, Part } from '../../core/compile/index.ts';
import type { AbsentMessage, ErrorMessage, StateMessage } from '../../core/control/index.ts';
import { PART_NAMES } from '../../core/proxyConfig/index.ts';
import type { Position } from './types.ts';

interface Hashed {
  readonly hash: string;
}

/** What a proxy has. A document that was compiled here is one, too. */
export interface Base {
  readonly parts: Readonly<Record<string, Hashed>>;
  readonly services: ReadonlyMap<string, Hashed>;
}

/** What a proxy says that it has. */
export function baseOf({ parts, services }: StateMessage['has']): Base {
  const hashed = (hashes: Record<string, string>): [string, Hashed][] =>
    Object.entries(hashes).map(([name, hash]) => [name, { hash }]);
  return { parts: Object.fromEntries(hashed(parts)), services: new Map(hashed(services)) };
}

export const isEmpty = ({ parts, services }: Base): boolean =>
  services.size === 0 && Object.keys(parts).length === 0;

/** Names of what is other in `to`, new there or gone from it. */
export function* changedNames(
  from: ReadonlyMap<string, Hashed>,
  to: ReadonlyMap<string, Hashed>,
): Generator<string, void> {
  if (from === to) return;
  for (const [name, { hash }] of to) if (from.get(name)?.hash !== hash) yield name;
  for (const name of from.keys()) if (!to.has(name)) yield name;
}

const line = (text: string): Buffer => Buffer.from(`${text}\n`, 'utf8');

const head = (type: string, { epoch, revision }: Position, hash: string): string =>
  `{"type":"${type}","epoch":${epoch},"revision":${JSON.stringify(revision)},"hash":${JSON.stringify(hash)}`;

/** Of these names, the entries that there are and the names of those that there are not. */
function entriesOf(names: Iterable<string>, entries: ReadonlyMap<string, Part>): string {
  const services: string[] = [];
  const removed: string[] = [];
  for (const name of names) {
    const entry = entries.get(name);
    if (entry) services.push(entry.text);
    else removed.push(name);
  }
  return `"services":[${services.join(',')}],"removed":${JSON.stringify(removed)}`;
}

export function updateLine(from: Base, to: CompiledDocument, position: Position): Buffer {
  const parts = PART_NAMES.filter((name) => from.parts[name]?.hash !== to.parts[name].hash).map(
    (name) => `"${name}":${to.parts[name].text}`,
  );
  const services = entriesOf(changedNames(from.services, to.services), to.services);
  const whole = isEmpty(from) ? ',"whole":true' : '';
  return line(`${head('update', position, to.hash)}${whole},"parts":{${parts.join(',')}},${services}}`);
}

/** What of a directory is other than in an earlier one. */
export interface DirectoryChange {
  /** Hash of the earlier one. */
  readonly base: string;
  readonly services: Iterable<string>;
  readonly outside: Iterable<string>;
}

/** Without a change: the whole directory. */
export function directoryLine(
  to: CompiledDirectory,
  position: Position,
  change: DirectoryChange | undefined,
): Buffer {
  const base = change ? `,"base":${JSON.stringify(change.base)}` : '';
  const services = entriesOf(change?.services ?? to.services.keys(), to.services);
  const outside = to.outside
    ? `,"outside":{${entriesOf(change?.outside ?? to.outside.keys(), to.outside)}}`
    : '';
  return line(`${head('directory', position, to.hash)}${base},${services}${outside}}`);
}

export const absentLine = (services: AbsentMessage['services']): Buffer =>
  line(JSON.stringify({ type: 'absent', services } satisfies AbsentMessage));

export const errorLine = (code: string, message: string): Buffer =>
  line(JSON.stringify({ type: 'error', code, message: message.slice(0, 4096) } satisfies ErrorMessage));
