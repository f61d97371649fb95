import { codes } from './codes.ts';

export { codes };
export { grpcMessage, grpcStatusOf } from './grpc.ts';

export type Code = keyof typeof codes;

export interface WeftErrorOptions {
  /** Path of the offending field, such as `spec.authorization.rules[0].to[0].methods`. */
  field?: string;
  /** What carries the field, such as `MeshPolicy shop/payment`. */
  resource?: string;
  /** Overrides the code's general way out. */
  remedy?: string;
  cause?: unknown;
}

/** An error with a stable code. `message` is for people and always names field and resource where there are any. */
export class WeftError extends Error {
  readonly code: Code;
  readonly field: string | undefined;
  readonly resource: string | undefined;
  readonly remedy: string;

  constructor(code: Code, message: string, options: WeftErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WeftError';
    this.code = code;
    this.field = options.field;
    this.resource = options.resource;
    this.remedy = options.remedy ?? codes[code].remedy;
  }

  /** One line with everything a person needs: `CODE resource field: message; way out`. */
  override toString(): string {
    const where = [this.resource, this.field].filter(Boolean).join(' ');
    return `${this.code}${where ? ` ${where}` : ''}: ${this.message}; ${this.remedy}`;
  }
}

/** One problem of a resource, as validation reports it. */
export interface Problem {
  code: Code;
  /** Path from the resource's root, such as `spec.mtls.ports`; empty for the whole. */
  field: string;
  message: string;
}

export type Result<T, E = Problem[]> = { ok: true; value: T } | { ok: false; error: E };
