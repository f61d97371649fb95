/**
 * The proxy's process. `proxy` runs it; `proxy drain`, the preStop hook, tells the running one to begin its drain. Its
 * workers, where it has any, run this file too.
 */
import { setFlagsFromString } from 'node:v8';
import { requestDrain } from './drain.ts';
import { readEnvironment, runDir } from './env.ts';
import { WORKER } from './workers/messages.ts';

/** For what ends the process before there is a log. */
function fail(error: unknown): void {
  const { code, field, message, remedy } = error as Record<string, unknown>;
  const ts = new Date().toISOString();
  process.stderr.write(`${JSON.stringify({ ts, level: 'Error', message, code, field, remedy })}\n`);
  process.exitCode = 1;
}

async function main(command: string | undefined): Promise<void> {
  if (command === 'drain') return requestDrain(runDir());
  if (command === WORKER) return (await import('./workers/worker.ts')).runWorker();
  if (command !== undefined)
    throw new Error(`unknown command ${JSON.stringify(command)}; there is only: drain`);
  // reading a large document would have the middle compiler hold up to 10 MB, for code that runs once; requests do
  // not miss it, since what they need soon reaches the optimizing compiler (docs/performance.md)
  setFlagsFromString('--no-maglev');
  // the young generation is small: to wake other threads for it costs more than they do
  setFlagsFromString('--no-parallel-scavenge');
  const environment = readEnvironment();
  // loaded only now: the preStop hook needs none of it, and must be quick
  const { runProxy } = await import('./run.ts');
  await runProxy(environment, new URL(import.meta.url));
}

await main(process.argv[2]).catch(fail);
