/** A policy that cannot be prepared for judging; whoever loads it refuses the whole document. */
export class PolicyInvalid extends Error {
  /** Path from the section's root, such as `inbound.authorization.rules[0].from[0].ipBlocks[1]`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = 'PolicyInvalid';
    this.field = field;
  }
}

export const isPolicyInvalid = (error: unknown): error is PolicyInvalid => error instanceof PolicyInvalid;
