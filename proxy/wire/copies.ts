/**
 * Copies of bytes and texts that are kept. Node's own small buffers come out of slabs of 64 KiB: one that is kept keeps
 * all of its slab in memory, which no bound on its length would notice.
 */

const SLAB_BYTES = 4096;
/** Up to this size copies come out of slabs: several times as fast as memory of their own. */
const SMALL = 1024;

let slab = Buffer.alloc(0);
let used = 0;

/** The first `length` bytes of `from`, for soon: who keeps a small copy keeps 4 KiB. */
export function copyOut(from: Buffer, length: number): Buffer {
  if (length > SMALL) return exactCopy(from, length);
  if (slab.length - used < length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  const copy = slab.subarray(used, used + length);
  from.copy(copy, 0, 0, length);
  used += length;
  return copy;
}

/** A copy that holds on to nothing else. */
export function exactCopy(bytes: Buffer, length: number = bytes.length): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  bytes.copy(copy, 0, 0, length);
  return copy;
}

/** For bytes that will wait for long, or with many others: small ones without what they were cut out of. */
export const forLong = (bytes: Buffer): Buffer => (bytes.length > SMALL ? bytes : exactCopy(bytes));

/** A Latin-1 text that was cut out of a longer one, which V8 would keep with it. */
export const ownText = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
