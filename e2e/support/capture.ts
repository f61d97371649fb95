import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { nodeCommand } from './environment.ts';
import { segmentsOf, type Segment } from './pcap.ts';

/** Records packets of the node's network while `during` runs. `filter` is tcpdump's. */
export async function capture(filter: string, during: () => Promise<void>): Promise<Segment[]> {
  const [command, ...before] = nodeCommand();
  const args = [
    ...before,
    'tcpdump',
    '-i',
    'any',
    '-U',
    '--immediate-mode',
    '-n',
    '-s',
    '0',
    '-w',
    '-',
    ...filter.split(' '),
  ];
  const tcpdump = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  tcpdump.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  let said = '';
  const ended = once(tcpdump, 'close');
  await new Promise<void>((resolve, reject) => {
    tcpdump.on('error', reject);
    tcpdump.on('close', () => reject(new Error(`tcpdump ended: ${said}`)));
    tcpdump.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // only now does it see packets
      if (said.includes('listening on')) resolve();
    });
  });
  try {
    await during();
  } finally {
    tcpdump.kill('SIGTERM');
  }
  await ended;
  return segmentsOf(Buffer.concat(chunks));
}
