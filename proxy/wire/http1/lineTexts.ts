/**
 * Fields as lines of HTTP/1.x. Most fields have one value for a long time: a line that was wanted twice in a row is kept
 * and taken whole the next time.
 */
import { ownText } from '../copies.ts';
import { isSecret } from '../exchange/secrets.ts';
import { titleCase } from '../streams/titleCase.ts';

/** Bounds, since peers can invent any number of names and values. */
const MAX_NAMES = 1024;
const MAX_NAME = 64;
const MAX_VALUE = 128;

/** One way to write a name. */
interface Form {
  /** `Content-Type: `. */
  readonly start: string;
  /** The last value, and the line with it once that has come twice; undefined before. */
  value: string;
  line: string | undefined;
}

interface Forms {
  readonly lower: Form;
  readonly title: Form;
  readonly kept: boolean;
}

const names = new Map<string, Forms>();

/** `name` in lower case; `titled`: it is written like `Content-Type`. */
export function lineText(name: string, titled: boolean, value: string): string {
  const forms = names.get(name) ?? meet(name);
  const form = titled ? forms.title : forms.lower;
  if (value === form.value) return (form.line ??= ownText(`${form.start}${value}\r\n`));
  if (forms.kept && value.length <= MAX_VALUE) {
    form.value = value;
    form.line = undefined;
  }
  return `${form.start}${value}\r\n`;
}

function meet(name: string): Forms {
  const forms = {
    lower: formOf(name),
    title: formOf(titleCase(name)),
    kept: !isSecret(name),
  };
  if (names.size >= MAX_NAMES) names.clear();
  if (name.length <= MAX_NAME) names.set(name, forms);
  return forms;
}

const formOf = (written: string): Form => ({ start: `${written}: `, value: '', line: undefined });
