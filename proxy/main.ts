/** The proxy's process. `proxy` runs it; `proxy drain`, the preStop hook, tells the running one to begin its drain. */
import { requestDrain } from './drain.ts';
import { readEnvironment, runDir } from './env.ts';

/** For what ends the process before there is a log. */
function fail(error: unknown): void {
  const { code, field, message, remedy } = error as Record<string, unknown>;
  const ts = new Date().toISOString();
  process.stderr.write(`${JSON.stringify({ ts, level: 'Error', message, code, field, remedy })}\n`);
  process.exitCode = 1;
}

async function main(command: string | undefined): Promise<void> {
  if (command === 'drain') return requestDrain(runDir());
  if (command !== undefined)
    throw new Error(`unknown command ${JSON.stringify(command)}; there is only: drain`);
  const environment = readEnvironment();
  // loaded only now: the preStop hook needs none of it, and must be quick
  const { runProxy } = await import('./run.ts');
  await runProxy(environment);
}

await main(process.argv[2]).catch(fail);
