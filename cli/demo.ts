import type { Command } from 'commander';

export function registerDemo(program: Command, exit: (code: number) => void): void {
  program
    .command('demo')
    .description('run the demo shop in the mesh as local processes: no cluster, no root')
    .option('--keep', 'stay up when it is over, and say what to try')
    .action(async ({ keep = false }: { keep?: boolean }) => {
      // imported here: it brings the whole control plane, which no other command needs
      const { demo } = await import('./demo/demo.ts');
      exit(await demo({ keep }));
    });
}
