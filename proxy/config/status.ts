/** What was refused, and since when; the same refusal is told once. */
import type { RefusalMessage } from '../../core/control/index.ts';
import { WeftError, type Code } from '../../core/errors/index.ts';
import { compareRevision } from '../../core/proxyConfig/canonical.ts';
import type { Log } from '../context.ts';
import type { Position } from './position.ts';

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
}

/** Refusals that stand, one for each subject at most. */
export class Refusals {
  readonly #standing = new Map<Subject, Refusal>();
  /** Of what is refused, where it is known. */
  readonly #positions = new Map<Subject, Position | undefined>();
  readonly #options: RefusalsOptions;
  readonly #listeners: ((refusal: Refusal | undefined) => void)[] = [];

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** After each refusal that is news, and after each that ended. */
  subscribe(listener: (refusal: Refusal | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** The refusal that stands then; what is older than `position` does not end it. */
  refuse(subject: Subject, error: unknown, position?: Position): Refusal {
    this.#positions.set(subject, position);
    const { code, field, message, remedy } = asWeftError(error, subject);
    const before = this.#standing.get(subject);
    if (before?.code === code && before.field === field && before.message === message) return before;
    const refusal = { subject, code, field, message, remedy, since: this.#options.now() };
    this.#standing.set(subject, refusal);
    this.#options.log.warn(
      { subject, code, field, detail: message, remedy },
      'refused; the last good state stays',
    );
    for (const listener of this.#listeners) listener(refusal);
    return refusal;
  }

  /** Of what is at `position`; absent: newer than whatever was refused. */
  accept(subject: Subject, position?: Position): void {
    const refused = this.#positions.get(subject);
    if (position && refused && compareRevision(position, refused) < 0) return;
    if (!this.#standing.delete(subject)) return;
    for (const listener of this.#listeners) listener(undefined);
  }

  get(subject: Subject): Refusal | undefined {
    return this.#standing.get(subject);
  }

  get all(): readonly Refusal[] {
    return [...this.#standing.values()];
  }
}

const MAX_FIELD = 1024;
const MAX_MESSAGE = 4096;

/** What the operator is told of a refusal. */
export const refusalFields = ({
  code,
  field,
  message,
  since,
}: Refusal): Pick<RefusalMessage, 'code' | 'field' | 'message' | 'since'> => ({
  code,
  ...(field !== undefined && { field: field.slice(0, MAX_FIELD) }),
  message: message.slice(0, MAX_MESSAGE),
  since: since.toISOString(),
});

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
