/** `make bench`: the proxy beside HAProxy and nginx in the same run. docs/performance.md says how to read it. */
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificates } from './certificates.ts';
import type { BenchContext } from './context.ts';
import { parseCommand, USAGE, type Command } from './options.ts';
import { profile } from './profile/index.ts';
import type { Case } from './report/case.ts';
import { goalsTable, judge } from './report/goals.ts';
import { writeRecord } from './report/record.ts';
import { table } from './report/table.ts';
import { scenarios } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';

const FOLDER = join(import.meta.dirname, 'results');

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function chosen({ only }: Command): Scenario[] {
  const unknown = only?.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined)
    throw new Error(`no scenario ${unknown}; there are ${scenarios.map(({ name }) => name).join(', ')}`);
  return scenarios.filter(({ name }) => only === undefined || only.includes(name));
}

async function measure(context: BenchContext, command: Command): Promise<Case[]> {
  const cases: Case[] = [];
  for (const { name, run } of chosen(command)) {
    try {
      for await (const result of run(context)) {
        if (result === undefined) continue;
        if ('note' in result) say(`${result.note}\n`);
        else {
          cases.push(result);
          say(table(result));
        }
      }
    } catch (error) {
      context.problems.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  return cases;
}

async function benchmark(context: BenchContext, command: Command): Promise<void> {
  const { rounds, seconds } = command;
  say(`${rounds} interleaved rounds of ${seconds} s; Node ${process.version}\n`);
  const cases = await measure(context, command);
  const verdicts = judge(cases);
  const files = await writeRecord(FOLDER, { cases, verdicts, problems: context.problems, rounds, seconds });
  // a run of some scenarios is judged by what it measured alone
  say(goalsTable(verdicts.filter(({ verdict }) => command.only === undefined || verdict !== 'not measured')));
  say(`bench/results: ${files.join(', ')}`);
}

async function main(command: Command): Promise<void> {
  if (command.help) return say(USAGE);
  if (command.list) return say(scenarios.map(({ name, about }) => `${name.padEnd(12)} ${about}`).join('\n'));
  const absent = command.bundles.find(({ file }) => !existsSync(file));
  if (absent !== undefined) throw new Error(`${absent.file} is not there: make build`);
  const dir = await mkdtemp(join(tmpdir(), 'weft-bench-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const identities = await writeCertificates(dir);
  const context: BenchContext = { dir, identities, options: command, problems: [] };
  if (command.profile) await profile(context, { ...command, folder: FOLDER });
  else await benchmark(context, command);
  for (const problem of context.problems) process.stderr.write(`PROBLEM ${problem}\n`);
  if (context.problems.length > 0) process.exitCode = 1;
}

try {
  await main(parseCommand(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
