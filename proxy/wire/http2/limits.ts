/**
 * Bounds on what one peer can make this proxy hold or chew, and times after which it stops waiting. The owner of a
 * connection may choose others; the peer cannot change them. How often a peer may do what costs it nothing is in
 * floods.ts.
 */
export interface Http2Limits {
  /** Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); more are refused. */
  readonly streams: number;
  /** Streams that a client opens at once before the server has said how many it takes. */
  readonly assumedStreams: number;
  /** One field section, uncompressed, each field counted with 32 more (SETTINGS_MAX_HEADER_LIST_SIZE). */
  readonly headerListBytes: number;
  /** One field section as it travels: all its frames together. */
  readonly headerBlockBytes: number;
  /** CONTINUATION frames of one field section. */
  readonly continuations: number;
  /** Largest frame that is taken (SETTINGS_MAX_FRAME_SIZE), 16,384 or more. */
  readonly frameBytes: number;
  /** Largest DATA frame that is sent: the share of a stream before it is the next one's turn. */
  readonly dataFrameBytes: number;
  /** Table of HPACK for what comes (SETTINGS_HEADER_TABLE_SIZE), and at most for what is sent. */
  readonly headerTableBytes: number;
  /** What a peer may send on one stream before it is taken in (SETTINGS_INITIAL_WINDOW_SIZE). */
  readonly streamWindow: number;
  /** What a peer may have on its way on all streams. At least 65,535. */
  readonly connectionWindow: number;
  /**
   * What paused streams may hold in all. Below it credit for the connection is given back at once, so that paused
   * streams do not hold up the others; above it the connection waits for them.
   */
  readonly heldBytes: number;
  /** A writer of a stream is told to wait once this much of it is queued. */
  readonly streamQueueBytes: number;
  /** Once this much is queued on all streams, each is told to wait after whatever it wrote. */
  readonly queueBytes: number;
  /** DATA of one event-loop turn. */
  readonly turnBytes: number;
  /**
   * Frames made but not taken by a peer that does not read. A server then reads no more of its requests, a client opens
   * no more streams; at twice this, the connection ends.
   */
  readonly outBytes: number;
  /** Settings in one frame. */
  readonly settingsPerFrame: number;
  /** 1xx answers on one stream. */
  readonly interimResponses: number;
  /** So many times the usual allowance of streams that are reset, and of frames under way on them (floods.ts). */
  readonly cancelScale: number;

  // times in milliseconds
  /** For the connection preface and the first SETTINGS of the peer, and for its acknowledgement of ours. */
  readonly settingsMs: number;
  /** For the rest of a frame or of a field section that has begun. */
  readonly frameMs: number;
  /**
   * Silence after which a PING asks whether the peer is still there; Infinity: never. gRPC servers of applications take
   * pings without data for abuse (GOAWAY too_many_pings), so switch it off towards applications.
   */
  readonly pingAfterMs: number;
  /** For the answer to that, and for the round trip before a graceful end. */
  readonly pingMs: number;
  /** A peer that takes in nothing of what was written. */
  readonly stalledMs: number;
  /** For a peer to take in the last frames and close. */
  readonly lingerMs: number;
}

export const defaultLimits: Http2Limits = {
  streams: 256,
  assumedStreams: 100,
  headerListBytes: 64 * 1024,
  headerBlockBytes: 64 * 1024,
  continuations: 32,
  frameBytes: 16_384,
  dataFrameBytes: 16_384,
  headerTableBytes: 4096,
  streamWindow: 256 * 1024,
  connectionWindow: 1024 * 1024,
  heldBytes: 8 * 1024 * 1024,
  streamQueueBytes: 64 * 1024,
  queueBytes: 1024 * 1024,
  turnBytes: 64 * 1024,
  outBytes: 256 * 1024,
  settingsPerFrame: 32,
  interimResponses: 16,
  cancelScale: 1,
  settingsMs: 10_000,
  frameMs: 10_000,
  pingAfterMs: 20_000,
  pingMs: 10_000,
  stalledMs: 60_000,
  lingerMs: 2_000,
};
