/** Two proxies with mTLS between them: HTTP/1.1 in and out. */
import { wrk } from '../load/wrk.ts';
import { haproxyPair, nginxPair, stop, weftPair } from '../peers/contenders.ts';
import { BODIES, nginxApplication, type BodyPath } from '../peers/nginx.ts';
import { freePort } from '../peers/process.ts';
import { cpuAgainst, SIDE_COLUMNS } from '../report/case.ts';
import { closedLoop } from './closedLoop.ts';
import { startAll } from './rounds.ts';
import type { Scenario } from './scenario.ts';

export const mtls: Scenario = {
  name: 'mtls',
  about: 'one mTLS hop between two proxies, HTTP/1.1 in and out: 1, 32, 128 connections',
  async *run(context) {
    const to = await freePort();
    const application = await nginxApplication({ dir: context.dir, name: `application-${to}`, port: to });
    const route = { traffic: 'http/1.1', to } as const;
    const contenders = await startAll(context, 'mtls', [
      () => haproxyPair(context, { ...route, between: 'http/1.1' }),
      () => haproxyPair(context, { ...route, between: 'h2' }),
      () => nginxPair(context, route),
      ...context.options.bundles.map((bundle) => () => weftPair(context, { ...route, bundle })),
    ]);
    const paths: BodyPath[] = context.options.full ? ['/100', '/1k', '/64k', '/10m'] : ['/100'];
    try {
      for (const path of paths) {
        for (const connections of [1, 32, 128]) {
          yield await closedLoop(context, {
            scenario: 'mtls',
            key: `${connections} connections, ${path.slice(1)}`,
            title: `One mTLS hop between two proxies, HTTP/1.1 in and out, ${connections} connections, bodies of ${BODIES[path]} bytes`,
            columns: SIDE_COLUMNS,
            comparisons: cpuAgainst('HAProxy pair', 'HAProxy pair, h2'),
            contenders,
            load: ({ port }, seconds) => wrk({ port, path, connections, seconds }),
            warming: ({ port }, seconds) => wrk({ port, connections: 32, seconds }),
          });
        }
      }
    } finally {
      await stop(contenders);
      await application.stop();
    }
  },
};
