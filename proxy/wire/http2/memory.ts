/**
 * Content that streams of all connections of this process hold. The bounds of one connection do not bound thousands of
 * them; past these, who holds most of the time gives way. The owner of the process may set the limits by the memory
 * there is.
 */
export const memory = {
  /** Taken by paused streams, which are expected to pass it on. */
  held: 0,
  /** Above it, a connection with paused streams gets no credit until they go on. */
  heldLimit: 64 * 1024 * 1024,
  /** Waits to be sent. */
  queued: 0,
  /** Above it, writers are told to wait after whatever they wrote, and peers that take nothing for long are left. */
  queuedLimit: 64 * 1024 * 1024,
};
