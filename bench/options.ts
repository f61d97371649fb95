/** The command line of the benchmark. */
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Options } from './context.ts';

export const USAGE = `node bench/main.ts [options]
  --only NAME[,NAME]   scenarios to run; --list shows them
  --rounds N           interleaved rounds (5; the open-loop scenario makes at least 7)
  --seconds N          length of one run of one contender (1.5)
  --full               every connection count with every body, and longer footprints
  --bundle FILE        what runs as Weft (dist/proxy.mjs); given again: a further contender, to compare two builds
  --profile            profile our proxies instead; --perf adds what the kernel and OpenSSL took
`;

export interface Command extends Options {
  only: string[] | undefined;
  list: boolean;
  help: boolean;
  profile: boolean;
  perf: boolean;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} is ${JSON.stringify(text)}, not a number above 0`);
  return value;
}

const DEFAULT_BUNDLE = join(import.meta.dirname, '../dist/proxy.mjs');

export function parseCommand(args: string[]): Command {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1.5' },
      full: { type: 'boolean', default: false },
      bundle: { type: 'string', multiple: true, default: [DEFAULT_BUNDLE] },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      perf: { type: 'boolean', default: false },
    },
  });
  return {
    only: values.only?.split(','),
    rounds: Math.round(positive('rounds', values.rounds)),
    seconds: positive('seconds', values.seconds),
    full: values.full,
    bundles: values.bundle.map((file, index) => ({
      name: index === 0 ? 'Weft' : `Weft (${basename(file)})`,
      file: resolve(file),
    })),
    list: values.list,
    help: values.help,
    profile: values.profile,
    perf: values.perf,
  };
}
