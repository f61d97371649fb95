/** Documents as values, for who does not keep a Compiler. Goes when the operator does. */
import type { Snapshot, WorkloadRef } from '../model/index.ts';
import { workloadKey } from '../model/index.ts';
import type { Directory, Hash, ProxyConfig } from '../proxyConfig/index.ts';
import { Compiler } from './compiler.ts';
import { configText, directoryText } from './texts.ts';

export interface CompileTools {
  readonly hash: Hash;
  readonly epoch: number;
}

let latest: { hash: Hash; snapshot: Snapshot | undefined; compiler: Compiler } | undefined;

function compilerOf(snapshot: Snapshot, hash: Hash): Compiler {
  if (latest?.hash !== hash) latest = { hash, snapshot: undefined, compiler: new Compiler({ hash }) };
  if (latest.snapshot !== snapshot) latest.compiler.take(snapshot);
  latest.snapshot = snapshot;
  return latest.compiler;
}

export function compileWorkload(
  snapshot: Snapshot,
  ref: WorkloadRef,
  { hash, epoch }: CompileTools,
): ProxyConfig {
  const document = compilerOf(snapshot, hash).documents.get(workloadKey(ref))!;
  return JSON.parse(configText(document, { epoch, revision: snapshot.revision })) as ProxyConfig;
}

export function compileDirectory(snapshot: Snapshot, { hash, epoch }: CompileTools): Directory {
  const directory = compilerOf(snapshot, hash).directory('');
  return JSON.parse(directoryText(directory, { epoch, revision: snapshot.revision })) as Directory;
}
