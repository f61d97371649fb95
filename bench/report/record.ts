/** Everything that a run measured, as files. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Case } from './case.ts';
import { latencyLines, ratioBars } from './charts.ts';
import type { Verdict } from './goals.ts';
import { paired } from './statistics.ts';

export interface RunRecord {
  cases: readonly Case[];
  verdicts: readonly Verdict[];
  problems: readonly string[];
  rounds: number;
  seconds: number;
}

const plainCase = ({ results, comparisons, ...rest }: Case) => ({
  scenario: rest.scenario,
  key: rest.key,
  title: rest.title,
  contenders: [...results].map(([name, rounds]) => ({
    name,
    comparisons: comparisons.map((comparison) => ({
      ...comparison,
      ...paired(rounds, results.get(comparison.reference) ?? [], comparison),
    })),
    rounds,
  })),
});

/** Writes latest.json with every round, and the plots. Gives the names of the files. */
export async function writeRecord(folder: string, run: RunRecord): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const { cases, verdicts, problems, rounds, seconds } = run;
  const machine = { node: process.version, cores: cpus().length, model: cpus()[0]?.model };
  const record = { machine, rounds, seconds, goals: verdicts, problems, cases: cases.map(plainCase) };
  const files: [string, string | undefined][] = [
    ['latest.json', `${JSON.stringify(record, null, 2)}\n`],
    ['ratios.svg', ratioBars(cases)],
    ['latency.svg', latencyLines(cases)],
  ];
  const written: string[] = [];
  for (const [name, text] of files) {
    if (text === undefined) continue;
    await writeFile(join(folder, name), text);
    written.push(name);
  }
  return written;
}
