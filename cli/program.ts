/** All commands, one file for each. */
import { Command, CommanderError } from 'commander';
import { WeftError } from '../core/errors/index.ts';
import { connectCluster, type ConnectCluster } from './cluster/cluster.ts';
import { registerConfig } from './config.ts';
import { registerDemo } from './demo.ts';
import { registerInject } from './inject.ts';
import { registerStatus } from './status.ts';
import type { Streams } from './streams.ts';
import { registerValidate } from './validate.ts';
import { registerVersion } from './version.ts';

/** Runs one command line, without the name of the program. Resolves with the exit code; never rejects for bad input. */
export async function runCli(
  args: readonly string[],
  streams: Streams,
  { connect = connectCluster }: { connect?: ConnectCluster } = {},
): Promise<number> {
  let code = 0;
  const exit = (value: number): void => {
    code = value;
  };
  const program = new Command('weft')
    .description('Weft, a service mesh for Kubernetes')
    .exitOverride()
    .configureOutput({ writeOut: streams.out, writeErr: streams.err });
  registerInject(program, streams, exit);
  registerValidate(program, streams, exit);
  registerStatus(program, streams, { connect, exit });
  registerConfig(program, streams, { connect, exit });
  registerDemo(program, exit);
  registerVersion(program, streams);
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (!(error instanceof WeftError)) throw error;
    streams.err(`${error.toString()}\n`);
    return 1;
  }
}
