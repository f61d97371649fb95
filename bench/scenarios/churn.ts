/** A new connection for each request: what accepting, and a handshake, cost. */
import { wrk } from '../load/wrk.ts';
import { haproxyHop, haproxyPair, nginxHop, stop, weftHop, weftPair } from '../peers/contenders.ts';
import { nginxApplication } from '../peers/nginx.ts';
import { freePort } from '../peers/process.ts';
import { CPU_COLUMNS, cpuAgainst, SIDE_COLUMNS } from '../report/case.ts';
import { closedLoop } from './closedLoop.ts';
import { startAll } from './rounds.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 32;

export const churn: Scenario = {
  name: 'churn',
  about: 'a new connection for each request: plaintext, and with an mTLS handshake each',
  async *run(context) {
    const { bundles } = context.options;
    const to = await freePort();
    const application = await nginxApplication({ dir: context.dir, name: `application-${to}`, port: to });
    const hops = await startAll(context, 'churn', [
      () => haproxyHop(context, { traffic: 'http/1.1', to }),
      () => nginxHop(context, { traffic: 'http/1.1', to }),
      ...bundles.map((bundle) => () => weftHop(context, { traffic: 'http/1.1', to, bundle })),
    ]);
    // declared as bytes, each connection of the client has one of its own between the proxies
    const pairs = await startAll(context, 'churn', [
      () => haproxyPair(context, { traffic: 'bytes', to, between: 'bytes' }),
      ...bundles.map((bundle) => () => weftPair(context, { traffic: 'bytes', to, bundle })),
    ]);
    const load = ({ port }: { port: number }, seconds: number) =>
      wrk({ port, connections: CONNECTIONS, seconds, close: true });
    try {
      yield await closedLoop(context, {
        scenario: 'churn',
        key: 'plaintext',
        title: `A new plaintext connection for each request, ${CONNECTIONS} at a time`,
        columns: CPU_COLUMNS,
        comparisons: cpuAgainst('HAProxy'),
        contenders: hops,
        load,
      });
      yield await closedLoop(context, {
        scenario: 'churn',
        key: 'mtls',
        title: `A new mTLS connection between two proxies for each request, ${CONNECTIONS} at a time, as TCP`,
        columns: SIDE_COLUMNS,
        comparisons: cpuAgainst('HAProxy pair'),
        contenders: pairs,
        load,
      });
      yield { note: 'Nobody resumes TLS sessions here: who the peer is must be proved on each connection.' };
    } finally {
      await stop([...hops, ...pairs]);
      await application.stop();
    }
  },
};
