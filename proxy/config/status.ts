/** What was refused, and since when; the same refusal is told once. */
import { WeftError, type Code } from '../../core/errors/index.ts';
import type { Log } from '../context.ts';

export type Subject = 'config' | 'directory' | 'identity';

export interface Refusal {
  readonly subject: Subject;
  readonly code: Code;
  readonly field: string | undefined;
  readonly message: string;
  readonly remedy: string;
  readonly since: Date;
}

export interface RefusalsOptions {
  log: Log;
  now: () => Date;
  onRefused: (refusal: Refusal) => void;
}

/** Refusals that stand, one for each subject at most. */
export class Refusals {
  readonly #standing = new Map<Subject, Refusal>();
  readonly #options: RefusalsOptions;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** True where this is news. */
  refuse(subject: Subject, error: unknown): boolean {
    const { code, field, message, remedy } = asWeftError(error, subject);
    const before = this.#standing.get(subject);
    if (before?.code === code && before.field === field && before.message === message) return false;
    const refusal = { subject, code, field, message, remedy, since: this.#options.now() };
    this.#standing.set(subject, refusal);
    this.#options.log.warn(
      { subject, code, field, detail: message, remedy },
      'refused; the last good state stays',
    );
    this.#options.onRefused(refusal);
    return true;
  }

  /** True where a refusal stood. */
  accept(subject: Subject): boolean {
    return this.#standing.delete(subject);
  }

  get(subject: Subject): Refusal | undefined {
    return this.#standing.get(subject);
  }

  get all(): readonly Refusal[] {
    return [...this.#standing.values()];
  }
}

const UNREADABLE = {
  config: 'DOCUMENT_INVALID',
  directory: 'DOCUMENT_INVALID',
  identity: 'IDENTITY_INVALID',
} as const;

/** Anything else that goes wrong while loading must refuse, not crash. */
function asWeftError(error: unknown, subject: Subject): WeftError {
  if (error instanceof WeftError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new WeftError(UNREADABLE[subject], message, { resource: subject, cause: error });
}
