/** Which namespaces need the directory: `directory.json`, the same text in each. */
import { compileDirectory } from '../../core/compile/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { DIRECTORY_NAME } from '../../core/model/names.ts';
import type { Hash } from '../../core/proxyConfig/index.ts';
import { refKey } from '../sinks/types.ts';
import type { DesiredDocument } from './documents.ts';

/** refKey of a namespace's directory. */
export const directoryKey = (namespace: string): string => refKey({ namespace, name: DIRECTORY_NAME });

/** By refKey, for each of the namespaces. */
export function directories(
  snapshot: Snapshot,
  namespaces: Iterable<string>,
  hash: Hash,
): Map<string, DesiredDocument> {
  const { epoch: _epoch, revision: _revision, ...content } = compileDirectory(snapshot, { hash, epoch: 1 });
  const documents = new Map<string, DesiredDocument>();
  for (const namespace of namespaces) {
    documents.set(directoryKey(namespace), {
      namespace,
      name: DIRECTORY_NAME,
      file: 'directory.json',
      content,
    });
  }
  return documents;
}
