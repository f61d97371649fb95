/** The command line of the benchmark. */
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bundle, Options } from './context.ts';
import { LOG_TARGETS, type LogTarget } from './peers/haproxy.ts';

export const USAGE = `node bench/main.ts [options]
  --only NAME[,NAME]   scenarios to run; --list shows them
  --case TEXT          only the cases whose key holds this text, such as '32 connections, 100'
  --rounds N           interleaved rounds (7; the open-loop scenario makes at least 7)
  --seconds N          length of one run of one contender (1; open loop twice that)
  --full               every connection count with every body, and longer footprints
  --haproxy-log WHERE  syslog, as its packages set it up (default); or stdout, as in a container
  --bundle FILE        what runs as Weft (dist/proxy.mjs); given again: a further contender, to compare
                       two builds; 'FILE --flag' gives Node a flag
  --profile            profile our proxies instead; --perf adds what the kernel and OpenSSL took
`;

export interface Command extends Options {
  only: string[] | undefined;
  list: boolean;
  help: boolean;
  profile: boolean;
  perf: boolean;
}

function parseBundle(text: string, index: number): Bundle {
  const [file = '', ...nodeArguments] = text.split(' ').filter((part) => part !== '');
  const name = index === 0 ? 'Weft' : `Weft (${[basename(file), ...nodeArguments].join(' ')})`;
  return { name, file: resolve(file), nodeArguments };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} is ${JSON.stringify(text)}, not a number above 0`);
  return value;
}

function logTarget(text: string): LogTarget {
  const names = Object.keys(LOG_TARGETS) as LogTarget[];
  const found = names.find((name) => name === text);
  if (found === undefined)
    throw new Error(`--haproxy-log is ${JSON.stringify(text)}, not one of ${names.join(', ')}`);
  return found;
}

const DEFAULT_BUNDLE = join(import.meta.dirname, '../dist/proxy.mjs');

export function parseCommand(args: string[]): Command {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      case: { type: 'string', default: '' },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '1' },
      full: { type: 'boolean', default: false },
      bundle: { type: 'string', multiple: true, default: [DEFAULT_BUNDLE] },
      'haproxy-log': { type: 'string', default: 'syslog' },
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
    caseText: values.case,
    full: values.full,
    log: logTarget(values['haproxy-log']),
    bundles: values.bundle.map(parseBundle),
    list: values.list,
    help: values.help,
    profile: values.profile,
    perf: values.perf,
  };
}
