import type { Command } from 'commander';
import { WEFT_VERSION } from '../core/proxyConfig/index.ts';
import type { Streams } from './streams.ts';

export function registerVersion(program: Command, { out }: Streams): void {
  program
    .command('version')
    .description('print the version of weft')
    .action(() => out(`weft ${WEFT_VERSION}\n`));
}
