/** Bounds on what peers can make this proxy hold, and times after which it stops waiting. Past a bound it refuses. */
export const bound = {
  /** Open connections of clients, each side. */
  connections: 16_384,
  /** Connections to one endpoint, those being made included: one for each request that runs or waits. */
  connectionsPerEndpoint: 1024,
  /** Connections kept for later requests to one endpoint. */
  idlePerEndpoint: 256,
  /** A request whose body is no larger than this can be sent again elsewhere. */
  replayBytes: 64 * 1024,
  /** TCP connections that carry more get a connection of their own the next time, so that others need not wait. */
  bulkBytes: 1024 * 1024,
  /** First bytes looked at to recognize a protocol. */
  sniffBytes: 32 * 1024,
  /** Records that a ClientHello may be spread over. */
  helloRecords: 16,
  /** Time for a request head, from its first byte. */
  headMs: 10_000,
  /** Silence in the middle of a request body. */
  bodyMs: 300_000,
  /** Time for the first bytes of a connection that must not be opened to the other side without them. */
  sniffMs: 10_000,
  /** Silence after which the other side may be the one that speaks first. */
  silenceMs: 5,
  /** First bytes that could still become HTTP but do not go on within this are none. */
  undecidedMs: 50,
  /** Time that a silent client is kept whose destination cannot be reached. */
  refusedMs: 1_000,
  /** Silence after which the system asks whether the other end is still there. */
  keepAliveMs: 60_000,
  handshakeMs: 10_000,
  /** Time for a client to take in the last answer and close. */
  lingerMs: 2_000,
  /** More time where the last answer is still on its way to it. */
  slowReaderMs: 60_000,
} as const;
