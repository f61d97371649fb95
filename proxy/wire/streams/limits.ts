/** Bounds of the connections between two proxies, where others than those of the codec fit. */
import type { Http2Limits } from '../http2/limits.ts';

/** One connection carries what a thousand would. */
export const MESH_LIMITS: Partial<Http2Limits> = {
  streams: 2048,
  // it proved who it is, and where an application hangs all of its callers give up: they share this connection
  cancelScale: 100,
  // the peer has judged the head by the usual bound, and then added lines of its own
  headerListBytes: 96 * 1024,
  headerBlockBytes: 96 * 1024,
};
