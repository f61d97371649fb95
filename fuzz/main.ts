/**
 * `make fuzz`: searches each target for inputs that break what must hold of it.
 *   node fuzz/main.ts [--seconds 600] [--seed 1] [--jobs 2] [TARGET...]
 *   node fuzz/main.ts --input FILE TARGET      runs one finding again
 * A finding is written to fuzz/findings/TARGET as hex. Ends with `N passed, N failed`.
 */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { search } from './engine/search.ts';
import { foundInputs, keepFound, readHex, regressions, writeFinding } from './engine/store.ts';
import type { Target } from './engine/target.ts';
import { targetFiles } from './targets/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    input: { type: 'string' },
  },
});

const names = positionals.length > 0 ? positionals : Object.keys(targetFiles);
const unknown = names.filter((name) => !Object.hasOwn(targetFiles, name));
if (unknown.length > 0) {
  process.stderr.write(`no target ${unknown.join(', ')}; there are ${Object.keys(targetFiles).join(', ')}\n`);
  process.exit(2);
}

/** Runs one input without a search: what it throws is shown. */
async function again(file: string): Promise<void> {
  const { target } = (await import(targetFiles[names[0]!]!)) as { target: Target };
  target.run(readHex(file));
  process.stdout.write(`${names[0]!}: nothing wrong with ${file}\n`);
}

/** True where nothing was found. */
async function fuzz(name: string): Promise<boolean> {
  const corpus = [...regressions(name).map(({ input }) => input), ...foundInputs(name)];
  const startedAt = performance.now();
  const order = {
    file: targetFiles[name]!,
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    corpus,
  };
  const { finding, result } = await search(order, (input) => keepFound(name, input));
  const seconds = (performance.now() - startedAt) / 1000;
  const numbers = result
    ? `${result.runs} runs, ${Math.round(result.runs / seconds)}/s, ${result.corpus} inputs, ${result.reached} of ${result.branches} branches`
    : `given up after ${seconds.toFixed(1)} s`;
  if (finding === undefined) {
    process.stdout.write(`ok    ${name.padEnd(18)} ${numbers}\n`);
    return true;
  }
  const file = relative(process.cwd(), writeFinding(name, finding));
  process.stdout.write(
    `FOUND ${name.padEnd(18)} ${numbers}\n  ${finding.kind}: ${finding.message}\n  ${file}\n`,
  );
  return false;
}

if (values.input !== undefined) {
  await again(values.input);
} else {
  const waiting = [...names];
  let failed = 0;
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      if (!(await fuzz(name))) failed++;
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  process.stdout.write(`${names.length - failed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
