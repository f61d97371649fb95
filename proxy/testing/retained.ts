/** How much memory something keeps: counted after all garbage is collected, and not timed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { copyOut } from '../wire/copies.ts';
import { turns } from '../wire/testing/sockets.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** In a few turns, since what ends tells others of it, and a WeakRef holds its target until the end of the turn. */
export async function collectGarbage(): Promise<void> {
  for (let time = 0; time < 4; time++) {
    await turns(5);
    gc();
  }
}

export interface Kept {
  /** KiB of objects and texts. */
  readonly heap: number;
  /** KiB of buffers. */
  readonly buffers: number;
}

/** What is kept for each of `count` times that `act` was done. */
export async function keptFor(count: number, act: (time: number) => Promise<void>): Promise<Kept> {
  await act(-1);
  await collectGarbage();
  const before = process.memoryUsage();
  for (let time = 0; time < count; time++) {
    await act(time);
    useUpPools();
  }
  await collectGarbage();
  const after = process.memoryUsage();
  const each = (bytes: number) => Math.round(bytes / count / 102.4) / 10;
  return {
    heap: each(after.heapUsed - before.heapUsed),
    buffers: each(after.arrayBuffers - before.arrayBuffers),
  };
}

const SOME = Buffer.alloc(8192);

/** As other connections would: whoever keeps a small buffer out of a shared slab then keeps a slab of its own. */
function useUpPools(): void {
  for (let bytes = 0; bytes < 2 * Buffer.poolSize; bytes += SOME.length)
    Buffer.allocUnsafe(SOME.length).fill(0);
  for (let count = 0; count < 8; count++) copyOut(SOME, 1000);
}
