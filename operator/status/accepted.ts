import type { Problem } from '../../core/errors/index.ts';
import type { Verdict } from './conditions.ts';

/** `INVALID_FIELD` as a condition's reason: `InvalidField`. */
const camelCase = (code: string): string =>
  code
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('');

/** The condition Accepted: reason and message name each field that is not. */
export function acceptedVerdict(problems: readonly Problem[]): Verdict {
  const [first] = problems;
  if (!first)
    return { type: 'Accepted', status: 'True', reason: 'Valid', message: 'every field is understood' };
  const message = problems.map((problem) => `${problem.field}: ${problem.message}`).join('; ');
  return { type: 'Accepted', status: 'False', reason: camelCase(first.code), message };
}
