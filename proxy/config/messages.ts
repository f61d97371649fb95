/**
 * Messages of the operator. It has proved who it is; what is checked here is that a message has the form of its type.
 * What it holds is checked where it is taken.
 */
import type { OperatorMessage } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';

const invalid = (message: string, field?: string) =>
  new WeftError('MESSAGE_INVALID', message, { resource: 'message', ...(field !== undefined && { field }) });

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string' && value !== '';
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const epoch: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const revision: Check = (value) => typeof value === 'string' && /^[0-9]{1,24}$/.test(value);
const objects: Check = (value) => Array.isArray(value) && value.every(object);
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const position = { epoch, revision, hash: text };
const types: Readonly<Record<OperatorMessage['type'], Readonly<Record<string, Check>>>> = {
  update: { ...position, parts: object, services: objects, removed: texts },
  directory: {
    ...position,
    base: optional(text),
    services: objects,
    removed: texts,
    outside: optional(
      (value) =>
        object(value) && objects((value as Fields)['services']) && texts((value as Fields)['removed']),
    ),
  },
  absent: { services: (value) => object(value) && Object.values(value as Fields).every(text) },
  error: { code: text, message: (value) => typeof value === 'string' },
};

/** Undefined for a type of a later version, which this one does well without. Throws WeftError MESSAGE_INVALID. */
export function readOperatorMessage(line: string): OperatorMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw invalid(`not JSON: ${(cause as Error).message}`);
  }
  if (!object(value)) throw invalid('not an object');
  const fields = value as Fields;
  const { type } = fields;
  if (!text(type)) throw invalid('has no type', 'type');
  if (!Object.hasOwn(types, type as string)) return undefined;
  const checks = types[type as OperatorMessage['type']];
  const wrong = Object.keys(checks).find((name) => !checks[name]!(fields[name]));
  if (wrong !== undefined) throw invalid(`${wrong} is not what ${String(type)} has`, wrong);
  return value as OperatorMessage;
}
