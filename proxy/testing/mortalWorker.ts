/**
 * Loaded by `node --import` into every thread of a proxy: a worker ends as if by an error of its own when a file with its
 * name appears in WEFT_TEST_END. No signal reaches a thread alone.
 */
import { rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, workerData } from 'node:worker_threads';

const folder = process.env['WEFT_TEST_END'];
if (!isMainThread && folder !== undefined) {
  const name = `worker-${(workerData as { worker: number }).worker}`;
  watch(folder, (_event, changed) => {
    if (changed !== name) return;
    rmSync(join(folder, name), { force: true });
    process.exit(7);
  }).unref();
}
