/** Bounds on what one peer can make this proxy hold or chew. Constant: a peer must not be able to raise them. */
export const limit = {
  /** Start line and fields of one message, bytes. */
  headBytes: 64 * 1024,
  fields: 512,
  methodBytes: 32,
  /** Names that one Connection field may list. */
  connectionTokens: 16,
  /** Extensions of one chunk, and of all chunks of a body. */
  chunkExtensionBytes: 256,
  chunkExtensionsBytes: 16 * 1024,
  trailerBytes: 16 * 1024,
  trailers: 64,
  /** 1xx answers before the final one. */
  interimResponses: 16,
} as const;
