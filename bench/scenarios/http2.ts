/** One proxy between client and application, HTTP/2 with prior knowledge on both sides, no TLS. */
import { h2load } from '../load/h2load.ts';
import { H2_PATH, nghttpd } from '../load/nghttpd.ts';
import { haproxyHop, stop, weftHop } from '../peers/contenders.ts';
import { freePort } from '../peers/process.ts';
import { CPU_COLUMNS, cpuAgainst, type Column } from '../report/case.ts';
import { closedLoop } from './closedLoop.ts';
import { startAll } from './rounds.ts';
import type { Scenario } from './scenario.ts';

/** h2load says the mean alone. */
export const H2LOAD_COLUMNS: readonly Column[] = CPU_COLUMNS.filter(({ measure }) => measure !== 'p99Ms').map(
  (column) => (column.measure === 'p50Ms' ? { ...column, header: 'mean ms' } : column),
);

export const http2: Scenario = {
  name: 'http2',
  about: 'one plaintext HTTP/2 hop: 4 connections of 16 streams, 32 connections of 1',
  async *run(context) {
    const to = await freePort();
    const application = await nghttpd({ dir: context.dir, port: to, grpc: false });
    const contenders = await startAll(context, 'http2', [
      () => haproxyHop(context, { traffic: 'h2', to }),
      ...context.options.bundles.map((bundle) => () => weftHop(context, { traffic: 'h2', to, bundle })),
    ]);
    try {
      for (const [connections, streams] of [
        [4, 16],
        [32, 1],
      ] as const) {
        // prettier-ignore
        yield await closedLoop(context, {
          scenario: 'http2',
          key: `${connections} x ${streams}`,
          title: `One plaintext HTTP/2 hop, ${connections} connections of ${streams} streams, bodies of 100 bytes`,
          columns: H2LOAD_COLUMNS,
          comparisons: cpuAgainst('HAProxy'),
          contenders,
          load: ({ port }, seconds) => h2load({ port, path: H2_PATH, connections, streams, seconds }),
        });
      }
      yield { note: 'nginx is not in this one: it does not speak HTTP/2 to the application.' };
    } finally {
      await stop(contenders);
      await application.stop();
    }
  },
};
