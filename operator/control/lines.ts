/** What is sent of the mesh, made once for all who need the same. */
import type { CompiledDirectory, CompiledDocument } from '../../core/compile/index.ts';
import { directoryLine, updateLine, type Base } from './compose.ts';
import { DirectoryHistory } from './directoryHistory.ts';
import { LineCache } from './lineCache.ts';
import type { ConfigSource, Position } from './types.ts';

const at = ({ epoch, revision }: Position): string => `${epoch} ${revision}`;

/** What a proxy has, and its name where the operator itself knows what it stands for. */
export interface KnownBase extends Base {
  /** Hash of a document that was compiled here, or '' of nothing at all. What a proxy only claims has none. */
  readonly key: string | undefined;
}

export class Lines {
  readonly #cache = new LineCache();
  readonly #history = new DirectoryHistory();
  readonly #source: ConfigSource;

  constructor(source: ConfigSource) {
    this.#source = source;
  }

  update(from: KnownBase, to: CompiledDocument, position: Position): Buffer {
    const make = (): Buffer => updateLine(from, to, position);
    if (from.key === undefined) return make();
    return this.#cache.get(`update ${from.key} ${to.hash} ${at(position)}`, make);
  }

  /** The directory of the namespace for a proxy that has the one with the hash `known`. */
  directory(namespace: string, to: CompiledDirectory, known: string | undefined): Buffer {
    const position = this.#source.directoryPosition(namespace);
    const change = known === undefined ? undefined : this.#history.since(namespace, known);
    return this.#cache.get(`directory ${change?.base ?? ''} ${to.hash} ${at(position)}`, () =>
      directoryLine(to, position, change),
    );
  }

  /** Whether the directory of the namespace has services or addresses that the one with the hash `known` has not. */
  adds(namespace: string, known: string | undefined): boolean {
    return known === undefined || this.#history.adds(namespace, known);
  }

  /** To be called for each namespace that somebody listens for: first, and when its directory changed. */
  observe(namespace: string): void {
    const directory = this.#source.directory(namespace);
    if (directory) this.#history.observe(namespace, directory);
  }

  forget(namespace: string): void {
    this.#history.forget(namespace);
  }
}
