/** What a workload's proxies should run: its parts by their hashes, and each by its name. */
import type { DocumentPage } from '../../core/control/index.ts';
import type { CompiledDocument, Part } from '../../core/compile/index.ts';
import type { ConfigSource } from '../control/types.ts';

const hashes = (parts: Iterable<readonly [string, Part]>): Record<string, string> =>
  Object.fromEntries(Array.from(parts, ([name, { hash }]) => [name, hash]));

/** `workload`: workloadKey. Undefined where it has no document. */
export function documentPage(source: ConfigSource, workload: string): DocumentPage | undefined {
  const document = source.document(workload);
  if (!document) return undefined;
  const directory = source.directory(document.workload.namespace);
  return {
    workload,
    ...source.position(workload),
    hash: document.hash,
    resources: document.resources,
    parts: hashes(Object.entries(document.parts)),
    services: hashes(document.services),
    ...(directory ? { directory: { hash: directory.hash, services: directory.services.size } } : {}),
  };
}

/** Canonical JSON of one part: `policy`, or `services/<namespace>/<name>`. */
export function partText(document: CompiledDocument, name: string): string | undefined {
  if (name.startsWith('services/')) return document.services.get(name.slice('services/'.length))?.text;
  return Object.hasOwn(document.parts, name)
    ? document.parts[name as keyof typeof document.parts].text
    : undefined;
}
