/** What a proxy takes when it does nothing: time to be ready, memory by itself, with services, with idle connections. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchContext, Bundle } from '../context.ts';
import { idleConnections, type Security } from '../load/idleConnections.ts';
import { haproxyHop, nginxHop, stop, weftHop, type Contender } from '../peers/contenders.ts';
import { nginxApplication } from '../peers/nginx.ts';
import { freePort, pause } from '../peers/process.ts';
import type { Column } from '../report/case.ts';
import type { Round } from '../report/statistics.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 10_000;
const TLS_CONNECTIONS = 1000;
const SERVICES = 1000;
/** Of a mesh of so many services a proxy usually calls so few. */
const MESHES = [10, 1000] as const;
const USED = 5;
/** V8 gives memory back some seconds after the work that needed it. */
const SETTLE_MS = 5000;
const MOST_ROUNDS = 3;

const COLUMNS: readonly Column[] = [
  { measure: 'readyMs', header: 'ready ms', digits: 0 },
  { measure: 'idleMB', header: 'idle MB', digits: 1 },
  { measure: 'rssMB', header: 'RSS idle MB', digits: 1 },
  { measure: 'servicesMB', header: '1,000 services MB', digits: 1 },
  { measure: 'mesh10MB', header: '5 of 10 services MB', digits: 1 },
  { measure: 'mesh1000MB', header: '5 of 1,000 services MB', digits: 1 },
  { measure: 'connectionsMB', header: '10,000 connections MB', digits: 1 },
  { measure: 'connectionKB', header: 'KB each', digits: 1 },
  { measure: 'tlsKB', header: 'idle TLS connection KB', digits: 1 },
];

/** Starts a proxy of the kind that is measured, before an application at `to`. */
interface Subject {
  name: string;
  plain: () => Promise<Contender>;
  secured: () => Promise<Contender>;
  security: Security;
  withServices?: () => Promise<Contender>;
  /** With `USED` services in its document, in a mesh of so many. */
  inMesh?: (services: number) => Promise<Contender>;
  /** Of plaintext; what its limit of open files lets it have. */
  connections: number;
}

const megabytes = (kib: number) => (kib * 1024) / 1e6;

async function settled({ server }: Contender): Promise<{ rssAnon: number; rss: number }> {
  await pause(SETTLE_MS);
  return server.memory();
}

async function running<T>(
  start: () => Promise<Contender>,
  use: (contender: Contender) => Promise<T>,
): Promise<T> {
  const contender = await start();
  try {
    return await use(contender);
  } finally {
    await stop([contender]);
  }
}

/** A measure that cannot be had is a problem of the run; the others are had all the same. */
type Attempt = (what: string, measure: () => Promise<Round>) => Promise<Round>;

async function plainly({ plain, connections, name }: Subject, attempt: Attempt): Promise<Round> {
  return running(plain, async (contender) => {
    const idle = await settled(contender);
    const with10k = await attempt(`${name} with ${connections} idle connections`, async () => {
      const close = await idleConnections({ port: contender.port, count: connections });
      const { rssAnon } = await settled(contender);
      close();
      return {
        ...(connections === CONNECTIONS ? { connectionsMB: megabytes(rssAnon) } : {}),
        connectionKB: ((rssAnon - idle.rssAnon) * 1.024) / connections,
      };
    });
    return {
      readyMs: contender.server.readyMs,
      idleMB: megabytes(idle.rssAnon),
      rssMB: megabytes(idle.rss),
      ...with10k,
    };
  });
}

const securely = ({ secured, security }: Subject): Promise<Round> =>
  running(secured, async (contender) => {
    // the first ones pay for what all share
    const first = await idleConnections({ port: contender.port, count: 50, security });
    const before = await settled(contender);
    const close = await idleConnections({ port: contender.port, count: TLS_CONNECTIONS, security });
    const after = await settled(contender);
    close();
    first();
    return { tlsKB: ((after.rssAnon - before.rssAnon) * 1.024) / TLS_CONNECTIONS };
  });

const servicesOf = (start: () => Promise<Contender>): Promise<Round> =>
  running(start, async (contender) => ({ servicesMB: megabytes((await settled(contender)).rssAnon) }));

async function inMeshes({ inMesh, name }: Subject, attempt: Attempt): Promise<Round> {
  const measured: Round = {};
  for (const services of inMesh ? MESHES : []) {
    const measure = () =>
      running(
        () => inMesh!(services),
        async (contender) => ({ [`mesh${services}MB`]: megabytes((await settled(contender)).rssAnon) }),
      );
    Object.assign(measured, await attempt(`${name} in a mesh of ${services} services`, measure));
  }
  return measured;
}

async function oneRound(subject: Subject, attempt: Attempt): Promise<Round> {
  const { name, withServices } = subject;
  return {
    ...(await attempt(name, () => plainly(subject, attempt))),
    ...(await attempt(`${name} with idle TLS connections`, () => securely(subject))),
    ...(withServices ? await attempt(`${name} with services`, () => servicesOf(withServices)) : {}),
    ...(await inMeshes(subject, attempt)),
  };
}

function subjects(context: BenchContext, to: number): Subject[] {
  const pem = (name: string) => readFileSync(join(context.dir, name), 'utf8');
  const theirs = { files: { 'tls.crt': pem('pair.crt'), 'tls.key': pem('pair.key') }, alpn: 'http/1.1' };
  const route = { traffic: 'http/1.1', to } as const;
  const ours = (bundle: Bundle): Subject => ({
    name: bundle.name,
    plain: () => weftHop(context, { ...route, bundle }),
    secured: () => weftHop(context, { ...route, bundle }),
    security: { files: context.identities.client, alpn: 'weft-tcp/1' },
    withServices: () => weftHop(context, { ...route, bundle, otherServices: SERVICES }),
    inMesh: (meshServices) => weftHop(context, { ...route, bundle, otherServices: USED, meshServices }),
    connections: CONNECTIONS,
  });
  return [
    {
      name: 'HAProxy',
      plain: () => haproxyHop(context, route),
      secured: () => haproxyHop(context, { ...route, secured: true }),
      security: theirs,
      // it reserves two files for each
      connections: CONNECTIONS * 0.8,
    },
    {
      name: 'nginx',
      plain: () => nginxHop(context, route),
      secured: () => nginxHop(context, { ...route, secured: true }),
      security: theirs,
      connections: CONNECTIONS,
    },
    ...context.options.bundles.map(ours),
  ];
}

export const footprint: Scenario = {
  name: 'footprint',
  about:
    'exec to ready; private memory idle, with 1,000 services, 10,000 idle connections, idle TLS connections',
  async *run(context) {
    const to = await freePort();
    const application = await nginxApplication({ dir: context.dir, name: `application-${to}`, port: to });
    const all = subjects(context, to);
    const results = new Map<string, Round[]>(all.map(({ name }) => [name, []]));
    const attempt: Attempt = async (what, measure) => {
      try {
        return await measure();
      } catch (error) {
        context.problems.push(`footprint: ${what}: ${(error as Error).message}`);
        return {};
      }
    };
    const rounds = context.options.full ? Math.max(MOST_ROUNDS, context.options.rounds) : 1;
    try {
      for (let round = 0; round < rounds; round += 1) {
        for (const subject of all) results.get(subject.name)!.push(await oneRound(subject, attempt));
      }
      // a start is short: it is done as often as everything else
      for (let round = rounds; round < context.options.rounds; round += 1) {
        for (const { name, plain } of all)
          results.get(name)!.push(await running(plain, async ({ server }) => ({ readyMs: server.readyMs })));
      }
      yield {
        scenario: 'footprint',
        key: 'footprint',
        title: 'Footprint: private memory (RssAnon) and time from exec to ready',
        columns: COLUMNS,
        comparisons: [],
        results,
      };
    } finally {
      await application.stop();
    }
  },
};
