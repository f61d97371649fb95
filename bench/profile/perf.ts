/** What perf sees of a process: the functions that JavaScript calls, OpenSSL and the kernel among them. */
import { join } from 'node:path';
import { output } from '../load/run.ts';

/** Of Node: tells perf where compiled functions lie. */
export const PERF_ARGUMENTS = ['--perf-basic-prof'];
/** There is not always a counter of cycles to sample by. */
const RECORD = ['record', '-q', '-e', 'cpu-clock', '-F', '997'];
const REPORT = ['report', '--stdio', '--no-children'];
const OBJECTS = 6;
const SYMBOLS = 30;

export interface Recorded {
  dir: string;
  name: string;
  pid: number;
  seconds: number;
}

/** Shares by shared object, then by function. */
export async function perf({ dir, name, pid, seconds }: Recorded): Promise<string> {
  const file = join(dir, `${name}.perf.data`);
  await output('perf', [...RECORD, '-o', file, '-p', String(pid), '--', 'sleep', String(seconds)]);
  const lines = async (sort: string, count: number) => {
    const report = await output('perf', [...REPORT, '--sort', sort, '-i', file]);
    const shares = report.split('\n').filter((line) => /^\s+\d/.test(line));
    return shares.slice(0, count).map((line) => line.trimEnd());
  };
  const [objects, symbols] = [await lines('dso', OBJECTS), await lines('dso,symbol', SYMBOLS)];
  return [`### ${name}: by perf, OpenSSL and the kernel included`, ...objects, '', ...symbols, ''].join('\n');
}
