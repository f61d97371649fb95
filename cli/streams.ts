/** Where a command writes to; tests hand in their own. */
export interface Streams {
  out: (text: string) => void;
  err: (text: string) => void;
}
