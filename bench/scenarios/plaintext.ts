/** One proxy between client and application, HTTP/1.1 on both sides, no TLS. */
import type { BenchContext } from '../context.ts';
import { wrk } from '../load/wrk.ts';
import { haproxyHop, nginxHop, stop, weftHop } from '../peers/contenders.ts';
import { BODIES, nginxApplication, type BodyPath } from '../peers/nginx.ts';
import { freePort } from '../peers/process.ts';
import { CPU_COLUMNS, cpuAgainst } from '../report/case.ts';
import { closedLoop } from './closedLoop.ts';
import { startAll } from './rounds.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = [1, 32, 128];
/** Connections by themselves with the smallest body, bodies by themselves at 32 connections. */
const USUAL: [number, BodyPath][] = [
  [1, '/100'],
  [32, '/100'],
  [128, '/100'],
  [32, '/1k'],
  [32, '/64k'],
  [32, '/10m'],
];

const matrix = ({ options }: BenchContext): [number, BodyPath][] =>
  options.full
    ? CONNECTIONS.flatMap((connections) =>
        Object.keys(BODIES).map((path): [number, BodyPath] => [connections, path as BodyPath]),
      )
    : USUAL;

export const plaintext: Scenario = {
  name: 'plaintext',
  about: 'one plaintext HTTP/1.1 hop: 1, 32, 128 connections; bodies of 100 B to 10 MiB',
  async *run(context) {
    const to = await freePort();
    const application = await nginxApplication({ dir: context.dir, name: `application-${to}`, port: to });
    const contenders = await startAll(context, 'plaintext', [
      () => haproxyHop(context, { traffic: 'http/1.1', to }),
      () => nginxHop(context, { traffic: 'http/1.1', to }),
      ...context.options.bundles.map((bundle) => () => weftHop(context, { traffic: 'http/1.1', to, bundle })),
    ]);
    try {
      for (const [connections, path] of matrix(context)) {
        yield await closedLoop(context, {
          scenario: 'plaintext',
          key: `${connections} connections, ${path.slice(1)}`,
          title: `One plaintext HTTP/1.1 hop, ${connections} connections, bodies of ${BODIES[path]} bytes`,
          columns: CPU_COLUMNS,
          comparisons: cpuAgainst('HAProxy'),
          contenders,
          load: ({ port }, seconds) => wrk({ port, path, connections, seconds }),
          warming: ({ port }, seconds) => wrk({ port, connections: 32, seconds }),
        });
      }
    } finally {
      await stop(contenders);
      await application.stop();
    }
  },
};
