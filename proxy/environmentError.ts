import { WeftError } from '../core/errors/index.ts';

/** Error for one variable; names it and says what is wrong with it. */
export const environmentError = (name: string, problem: string): WeftError =>
  new WeftError('ENVIRONMENT_INVALID', `${name} ${problem}`, { field: name, resource: 'environment' });

/** Parses the JSON of a variable. */
export function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw environmentError(name, `is not JSON: ${(cause as Error).message}`);
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
