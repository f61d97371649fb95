/**
 * Reads of plain sockets land in one buffer that all of them share, and what came is copied out of it. Node would
 * allocate 64 KiB for each read, cut it to size and pass it through a stream: a third of the cost of a small read.
 * For sockets that are opened, `onread` of net.connect does this; for accepted ones Node has it too, but no option, so
 * its own fields are set. Where they are not found, nothing is changed and the caller listens for `data`.
 */
import { Socket } from 'node:net';

const SHARED_BYTES = 64 * 1024;

type Take = (this: Socket, length: number, shared: Buffer) => boolean;
type Reader = Socket & {
  [field: symbol]: unknown;
  _handle?: { useUserBuffer?(buffer: Buffer): void } | null;
};

interface OwnFields {
  buffer: symbol;
  take: symbol;
}

let shared: Buffer | undefined;

/** Names of the fields in which Node keeps what `onread` gave it. */
const fields = ownFields();

function ownFields(): OwnFields | undefined {
  const onread = { buffer: Buffer.alloc(1), callback: () => true };
  const probe = new Socket({ onread });
  const found = fieldsHolding(probe, onread);
  probe.destroy();
  return found;
}

/** Fields of `probe` that hold what is in `onread`; undefined where one is missing. */
export function fieldsHolding(
  probe: object,
  onread: { buffer: Buffer; callback: () => boolean },
): OwnFields | undefined {
  const symbols = Object.getOwnPropertySymbols(probe);
  const holding = (value: unknown) =>
    symbols.find((symbol) => (probe as Record<symbol, unknown>)[symbol] === value);
  const buffer = holding(onread.buffer);
  const take = holding(onread.callback);
  return buffer === undefined || take === undefined ? undefined : { buffer, take };
}

/**
 * From now on `take` gets what comes, in a buffer that is only its own until it returns; false from it stops reading,
 * as does `push` of a stream that is full. The end and errors are told as ever. False where this Node has no such thing.
 */
export function readShared(socket: Socket, take: Take): boolean {
  const reader = socket as Reader;
  const { _handle: handle } = reader;
  if (fields === undefined || typeof handle?.useUserBuffer !== 'function') return false;
  shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
  reader[fields.buffer] = shared;
  reader[fields.take] = take;
  handle.useUserBuffer(shared);
  return true;
}
