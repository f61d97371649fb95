/** What the mounts hold, one file apart from the other. */
import { documentHash } from './position.ts';

/** Of a file; undefined where it is not there, an error where it cannot be read. */
export type Text = string | undefined | Error;

export interface FileTexts {
  readonly config: Text;
  readonly directory: Text;
  /** Text of the downward API's file. */
  readonly labels: Text;
}

type Name = keyof FileTexts;

/** Throws what reading threw. */
export function readable(text: Text): string | undefined {
  if (text instanceof Error) throw text;
  return text;
}

const hashOf = (text: Text): string =>
  text instanceof Error ? `error ${text.message}` : text === undefined ? '' : documentHash(text);

/** Hashes of the texts that were read last: they tell a change as well as the texts, which may be megabytes. */
export class SeenTexts {
  readonly #hashes = new Map<Name, string>();

  /** What differs from the last time. */
  changed(texts: FileTexts): ReadonlySet<Name> {
    const changed = new Set<Name>();
    for (const name of ['config', 'directory', 'labels'] as const) {
      const hash = hashOf(texts[name]);
      if (this.#hashes.get(name) !== hash) changed.add(name);
      this.#hashes.set(name, hash);
    }
    return changed;
  }
}
