/** Several texts of `Family.expose` as one: what each thread counted for itself is one number to whoever scrapes. */
import { sampleLine } from './exposition.ts';

/** Samples of one family. Threads have bounds of their own; this one holds where threads come and go. */
const MAX_SAMPLES = 200_000;

interface MergedFamily {
  help: string;
  type: string;
  /** By name and labels, in the order in which they came. */
  samples: Map<string, number>;
}

const NAME_AT = '# HELP '.length;

function parse(text: string, families: Map<string, MergedFamily>, take: (type: string) => boolean): void {
  let family: MergedFamily | undefined;
  let help = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      help = line;
    } else if (line.startsWith('# TYPE ')) {
      const [name, type] = line.slice(NAME_AT).split(' ') as [string, string];
      family = families.get(name);
      if (!family && take(type)) families.set(name, (family = { help, type: line, samples: new Map() }));
      if (!take(type)) family = undefined;
    } else if (family) add(family.samples, line);
  }
}

function add(samples: Map<string, number>, line: string): void {
  const space = line.lastIndexOf(' ');
  const key = line.slice(0, space);
  const before = samples.get(key);
  if (before === undefined && samples.size >= MAX_SAMPLES) return;
  samples.set(key, (before ?? 0) + Number(line.slice(space + 1)));
}

function merge(texts: readonly string[], take: (type: string) => boolean): string {
  const families = new Map<string, MergedFamily>();
  for (const text of texts) parse(text, families, take);
  let merged = '';
  for (const { help, type, samples } of families.values()) {
    merged += `${help}\n${type}\n`;
    for (const [key, value] of samples) merged += sampleLine(key, value);
  }
  return merged;
}

/** Adds up samples of the same name and labels; families and samples stay in the order in which they first came. */
export const mergeExpositions = (texts: readonly string[]): string => merge(texts, () => true);

/** The same for what only grows: counters and histograms, which must not fall when the thread that counted is gone. */
export const mergeTotals = (texts: readonly string[]): string => merge(texts, (type) => type !== 'gauge');
