/** What the lines of a cut are, so that each side can choose what to leave out. */
export const cut = {
  /** Belongs to one hop: Keep-Alive, Proxy-Connection, and what Connection lists. */
  hop: 1,
  connection: 2,
  upgrade: 4,
  /** x-weft-reason, which a proxy passes on from another proxy. */
  reason: 8,
  /** Any other x-weft-…, which only proxies may say. */
  weft: 16,
} as const;
