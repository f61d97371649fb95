/** Builds h2spec by the module beside this file, and runs it against a port of loopback. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { programPath } from '../peers/support/programs.ts';

const run = promisify(execFile);
/** One connection per case; a case that waits for an end takes up to the timeout. */
const CASE_TIMEOUT_S = 3;
const DEADLINE_MS = 240_000;

/** Path of the program, built into `folder`. */
export async function buildH2spec(folder: string): Promise<string> {
  const program = join(folder, 'h2spec');
  const go = programPath('go', 'golang, or one from go.dev that go.mod beside this file accepts');
  await run(go, ['build', '-o', program, 'github.com/summerwind/h2spec/cmd/h2spec'], {
    cwd: import.meta.dirname,
  });
  return program;
}

export interface CaseResult {
  /** `section | title`. */
  name: string;
  outcome: 'passed' | 'skipped' | 'failed';
  /** What was expected and what came. */
  detail: string;
}

/** Runs all cases, strict ones among them. */
export async function h2spec(program: string, port: number, folder: string): Promise<CaseResult[]> {
  const report = join(folder, `h2spec-${port}.xml`);
  const args = ['-h', '127.0.0.1', '-p', String(port), '-o', String(CASE_TIMEOUT_S), '-S', '-j', report];
  // it ends with 1 where a case fails, which the report says better
  const said = await run(program, args, { timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 }).then(
    ({ stdout }) => stdout,
    (error: Error & { stdout?: string }) => `${error.message}\n${error.stdout ?? ''}`,
  );
  const xml = await readFile(report, 'utf8').catch((cause: unknown) => {
    throw new Error(`h2spec wrote no report: ${said.slice(-2000)}`, { cause });
  });
  return casesOf(xml);
}

/** The cases of a JUnit report as h2spec writes it. */
export function casesOf(xml: string): CaseResult[] {
  return [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([^]*?)<\/testcase>)/g)].map(
    ([, attributes, content = '']) => {
      const value = (name: string) => unescape(new RegExp(`${name}="([^"]*)"`).exec(attributes!)?.[1] ?? '');
      const outcome = /<(?:failure|error)/.test(content)
        ? 'failed'
        : /<skipped/.test(content)
          ? 'skipped'
          : 'passed';
      const detail = unescape(content.replaceAll(/<[^>]*>/g, ' ').trim());
      return { name: `${value('package')} | ${value('classname')}`, outcome, detail };
    },
  );
}

const unescape = (text: string) =>
  text.replaceAll(/&#x?([0-9A-Fa-f]+);|&(quot|lt|gt|apos|amp);/g, (entity, code?: string, name?: string) =>
    name === undefined
      ? String.fromCharCode(Number.parseInt(code!, entity.startsWith('&#x') ? 16 : 10))
      : { quot: '"', lt: '<', gt: '>', apos: "'", amp: '&' }[name]!,
  );
