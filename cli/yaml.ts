/** Manifests as text: read as Kubernetes reads them, written so that any parser reads them the same. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import {
  dump,
  floatYaml11Tag,
  intYaml11Tag,
  load,
  NOT_RESOLVED,
  timestampTag,
  YAML11_SCHEMA,
  YAMLException,
} from 'js-yaml';
import { WeftError } from '../core/errors/index.ts';

/**
 * YAML 1.1 as the API server's parser takes it: `yes` is true and `0777` octal, but dates and `12:30` stay strings,
 * which plain YAML 1.1 turns into a time and a number of base 60.
 */
const KUBERNETES_SCHEMA = YAML11_SCHEMA.withTags(
  {
    ...intYaml11Tag,
    resolve: (source, ...rest) =>
      source.includes(':') ? NOT_RESOLVED : intYaml11Tag.resolve(source, ...rest),
  },
  {
    ...floatYaml11Tag,
    resolve: (source, ...rest) =>
      source.includes(':') ? NOT_RESOLVED : floatYaml11Tag.resolve(source, ...rest),
  },
  { ...timestampTag, resolve: () => NOT_RESOLVED },
);

/** One document with the very text that it came as. `value` is undefined where there is only white space or comment. */
export interface YamlDocument {
  text: string;
  value: unknown;
  /** 1-based, of its first line in the file. */
  line: number;
}

const isEmpty = (text: string): boolean => text.split('\n').every((line) => /^\s*(#.*)?$|^%/.test(line));

function parse(text: string, { name, line }: { name: string; line: number }): unknown {
  if (isEmpty(text)) return undefined;
  try {
    return load(text, { schema: KUBERNETES_SCHEMA });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const at = line + (cause.mark?.line ?? 0);
    throw new WeftError('FILE_INVALID', `${cause.reason} (line ${at})`, { resource: name, cause });
  }
}

/** Splits at `---`, which YAML allows at the start of a line for nothing else. Throws WeftError FILE_INVALID. */
export function readDocuments(text: string, name: string): YamlDocument[] {
  const documents: YamlDocument[] = [];
  let line = 1;
  for (const part of text.split(/^---(?=\s|$)/m)) {
    // what follows a marker on its line belongs to the document, as in `--- {}`
    documents.push({ text: part, value: parse(part, { name, line }), line });
    line += part.split('\n').length - 1;
  }
  return documents;
}

/** One document as text, without a marker before it. */
export const writeDocument = (value: unknown): string => dump(value, { lineWidth: 160, noRefs: true });

/** The content of a file; of standard input for `-`. Throws WeftError FILE_INVALID. */
export async function readInput(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (cause) {
    throw new WeftError('FILE_INVALID', `cannot be read: ${(cause as Error).message}`, {
      resource: file,
      cause,
    });
  }
}
