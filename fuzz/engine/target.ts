/** A parser with what must hold for any bytes it is given. */
export interface Target {
  readonly name: string;
  /** Inputs to begin with: at least one that is taken. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Words of the language that chance would not find. Text is Latin-1. */
  readonly dictionary: readonly (string | Uint8Array)[];
  /** Throws where something that must hold does not. */
  run(data: Buffer): void;
  /** Longest input, bytes; default 8192. */
  readonly maxBytes?: number;
  /** Longest time that one input may take, milliseconds; default 200. */
  readonly slowMs?: number;
}

export const bytesOf = (text: string | Uint8Array): Buffer =>
  typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text);
