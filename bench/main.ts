/**
 * `make bench`: HAProxy and nginx beside the proxy in the same run, one plaintext hop and one mTLS hop.
 * Rounds are interleaved, so that a slow moment of the machine meets every contender; ratios are taken per round.
 * Options: --rounds N (5), --seconds N (4), --connections A,B (32).
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { plaintextHop, mtlsHop, type Contender } from './contenders.ts';
import { nginx } from './peers/nginx.ts';
import { which } from './process.ts';
import { pairedRatio, table, type Row } from './table.ts';
import { writeCertificates } from './certificates.ts';
import { wrk } from './wrk.ts';

const BACKEND_PORT = 29000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

async function measure(contender: Contender, connections: number): Promise<Row> {
  const url = `http://127.0.0.1:${contender.port}/`;
  const before = contender.processes.map((started) => started.cpuUs());
  const load = await wrk({ url, connections, seconds });
  const cpu = contender.processes.reduce((sum, started, index) => sum + started.cpuUs() - before[index]!, 0);
  return {
    contender: contender.name,
    cpuUs: cpu / Math.max(1, load.requests),
    requestsPerSecond: load.requestsPerSecond,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    rssAnonMiB: contender.processes.reduce((sum, started) => sum + started.memory().rssAnon, 0) / 1024,
    errors: load.errors,
  };
}

async function compare(contenders: Contender[], connections: number): Promise<Map<string, Row[]>> {
  const results = new Map<string, Row[]>(contenders.map(({ name }) => [name, []]));
  for (const contender of contenders)
    await wrk({ url: `http://127.0.0.1:${contender.port}/`, connections, seconds: 2 });
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders)
      results.get(contender.name)!.push(await measure(contender, connections));
  }
  return results;
}

async function hop(title: string, peer: string, startAll: () => Promise<Contender[]>): Promise<object[]> {
  const records: object[] = [];
  const contenders = await startAll();
  try {
    for (const connections of values.connections.split(',').map(Number)) {
      const results = await compare(contenders, connections);
      process.stdout.write(`${table({ title: `${title}, ${connections} connections`, results, peer })}\n`);
      for (const [name, rows] of results) {
        records.push({
          title,
          connections,
          name,
          ratio: pairedRatio(rows, results.get(peer)!),
          rounds: rows,
        });
      }
    }
  } finally {
    for (const { processes } of contenders) for (const started of processes) await started.stop();
  }
  return records;
}

const missing = ['wrk', 'haproxy', 'nginx'].filter((name) => which(name) === undefined);
if (missing.length > 0) {
  process.stderr.write(
    `make bench needs ${missing.join(', ')}; on Debian: apt-get install wrk haproxy nginx-light\n`,
  );
  process.exit(2);
}
const dir = await mkdtemp(join(tmpdir(), 'weft-bench-'));
const identities = await writeCertificates(dir);
const backend = await nginx({ dir, name: 'application', port: BACKEND_PORT });
try {
  process.stdout.write(
    `${rounds} interleaved rounds of ${seconds} s, wrk with one thread, bodies of 100 bytes, Node ${process.version}\n\n`,
  );
  const context = { dir, backendPort: BACKEND_PORT, identities };
  const records: object[] = [];
  if (values.only !== 'mtls')
    records.push(...(await hop('One plaintext HTTP/1.1 hop', 'HAProxy', () => plaintextHop(context))));
  if (values.only !== 'plain')
    records.push(
      ...(await hop('One mTLS hop between two proxies, HTTP/1.1 in, between and out', 'HAProxy pair', () =>
        mtlsHop(context),
      )),
    );
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'latest.json'),
    `${JSON.stringify({ node: process.version, rounds, seconds, records }, null, 2)}\n`,
  );
} finally {
  await backend.stop();
  await rm(dir, { recursive: true, force: true });
}
