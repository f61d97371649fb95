import type { ConnectionHandler } from '../handlers.ts';
import { unheard } from '../stream.ts';

const nothing = (): void => {};

/** Owns a connection without interest in what becomes of it. */
export const quiet: ConnectionHandler = {
  request: () => unheard,
  unacceptable: nothing,
  goingAway: nothing,
  available: nothing,
  closed: nothing,
  errored: nothing,
  boundReached: nothing,
};
