/**
 * weft-operator                                                       on a cluster; settings from the environment
 * weft-operator --source files --dir DIR --out DIR --control HOST:PORT [--trust-domain NAME]
 */
import { parseArgs } from 'node:util';
import pino, { type Logger } from 'pino';
import { WeftError } from '../core/errors/index.ts';
import { runClusterOperator } from './clusterMode.ts';
import { processEnv, readEnv, readLogLevel } from './env.ts';
import { runFileOperator } from './fileMode.ts';

interface Stoppable {
  stop(): Promise<void>;
}

const usage = (message: string, field: string): WeftError =>
  new WeftError('ENVIRONMENT_INVALID', message, {
    field,
    resource: 'operator',
    remedy: 'weft-operator [--source files --dir DIR --out DIR --control HOST:PORT [--trust-domain NAME]]',
  });

/** `host:port`, with the host of an IPv6 address in brackets. */
function readAddress(text: string): { host: string; port: number } {
  const match = /^\[?([^\]]+?)\]?:([0-9]{1,5})$/.exec(text);
  const at = Number(match?.[2]);
  if (!match?.[1] || at > 65_535) throw usage(`${JSON.stringify(text)} is not host:port`, '--control');
  return { host: match[1], port: at };
}

function start(log: Logger, end: (reason: string, error?: Error) => void): Promise<Stoppable> {
  const { values } = parseArgs({
    options: {
      source: { type: 'string', default: 'kubernetes' },
      dir: { type: 'string' },
      out: { type: 'string' },
      control: { type: 'string', default: '127.0.0.1:15010' },
      'trust-domain': { type: 'string' },
    },
  });
  if (values.source === 'kubernetes')
    return runClusterOperator({ env: readEnv(processEnv()), log, onEnd: end });
  if (values.source !== 'files') throw usage(`${values.source} is neither kubernetes nor files`, '--source');
  if (values.dir === undefined) throw usage('is missing', '--dir');
  if (values.out === undefined) throw usage('is missing', '--out');
  const trustDomain = values['trust-domain'];
  return runFileOperator({
    sourceDir: values.dir,
    outDir: values.out,
    controlAddress: readAddress(values.control),
    log,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    onFailed: (error) => end('the control port cannot be bound', error),
  });
}

/** How long ending may take before the process ends regardless; kubelet kills after 30 s. */
const END_MS = 15_000;

async function main(): Promise<void> {
  const log = pino({ level: readLogLevel(processEnv()['WEFT_LOG_LEVEL']), base: null });
  let running: Stoppable | undefined;
  let ending = false;
  const end = (reason: string, error?: Error): void => {
    if (ending) return;
    ending = true;
    log[error ? 'error' : 'info'](error ? { err: error } : {}, `ends: ${reason}`);
    setTimeout(() => process.exit(1), END_MS).unref();
    const stopped = running?.stop() ?? Promise.resolve();
    stopped.then(
      () => process.exit(error ? 1 : 0),
      (failure: Error) => {
        log.error({ err: failure }, 'could not end in order');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal));
  process.on('unhandledRejection', (failure) => end('a failure that nobody handled', failure as Error));
  process.on('uncaughtException', (failure) => end('a failure that nobody handled', failure));
  try {
    running = await start(log, end);
  } catch (failure) {
    end('it could not be started', failure as Error);
  }
}

await main();
