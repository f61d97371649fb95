/**
 * A thread that wakes another one at due times. Timers of an event loop know milliseconds only; a wait on shared memory
 * is good to some tens of microseconds and costs no CPU meanwhile.
 */
import { parentPort, workerData } from 'node:worker_threads';

export interface PacerData {
  /** [0]: counts the wake-ups; [1]: not 0 ends the thread. */
  shared: SharedArrayBuffer;
  /** Of process.hrtime, ns. */
  startNs: bigint;
  intervalNs: number;
  count: number;
}

if (parentPort !== null) {
  const { shared, startNs, intervalNs, count } = workerData as PacerData;
  const cells = new Int32Array(shared);
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let index = 0; index < count && Atomics.load(cells, 1) === 0; index += 1) {
    const waitMs = Number(startNs + BigInt(Math.round(index * intervalNs)) - process.hrtime.bigint()) / 1e6;
    if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
    Atomics.add(cells, 0, 1);
    Atomics.notify(cells, 0);
  }
}
