/** gRPC through two sidecars: HTTP/2 with prior knowledge in and out, mTLS between. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from '../context.ts';
import { buildGrpcStreams, grpcServer, grpcStreams } from '../load/grpcStreams.ts';
import { h2load } from '../load/h2load.ts';
import { GRPC_PATH, grpcFrame, nghttpd } from '../load/nghttpd.ts';
import { haproxyPair, stop, weftPair, type Contender } from '../peers/contenders.ts';
import { freePort } from '../peers/process.ts';
import { cpuAgainst, SIDE_COLUMNS, type Case, type Column, type Note } from '../report/case.ts';
import { closedLoop } from './closedLoop.ts';
import { startAll } from './rounds.ts';
import type { Scenario } from './scenario.ts';

const PEER = 'HAProxy pair, h2';
const HEADERS = ['content-type: application/grpc', 'te: trailers'];

const named = (header: string, columns: readonly Column[]): Column[] =>
  columns.map((column) => ({ ...column, header: column.header.replace('req', header) }));

const UNARY_COLUMNS = named('call', SIDE_COLUMNS)
  .filter(({ measure }) => measure !== 'p99Ms')
  .map((column) => (column.measure === 'p50Ms' ? { ...column, header: 'mean ms' } : column));

/** Nobody waits for a message of a flood, so that none has a latency. */
const FLOOD_COLUMNS = SIDE_COLUMNS.filter(({ measure }) => measure !== 'p50Ms' && measure !== 'p99Ms');

const pairs = (context: BenchContext, to: number): Promise<Contender[]> =>
  startAll(context, 'grpc', [
    () => haproxyPair(context, { traffic: 'grpc', to, between: 'h2' }),
    ...context.options.bundles.map((bundle) => () => weftPair(context, { traffic: 'grpc', to, bundle })),
  ]);

async function* unary(context: BenchContext): AsyncGenerator<Case | undefined> {
  const to = await freePort();
  const application = await nghttpd({ dir: context.dir, port: to, grpc: true });
  const contenders = await pairs(context, to);
  const data = join(context.dir, 'message.grpc');
  await writeFile(data, grpcFrame(100));
  try {
    for (const [connections, streams] of [
      [4, 16],
      [32, 1],
    ] as const) {
      // prettier-ignore
      yield await closedLoop(context, {
        scenario: 'grpc',
        key: `unary ${connections} x ${streams}`,
        title: `gRPC unary calls through two sidecars, ${connections} connections of ${streams} streams, messages of 100 bytes`,
        columns: UNARY_COLUMNS,
        comparisons: cpuAgainst(PEER),
        contenders,
        load: ({ port }, seconds) =>
          h2load({ port, path: GRPC_PATH, connections, streams, seconds, headers: HEADERS, data }),
      });
    }
  } finally {
    await stop(contenders);
    await application.stop();
  }
}

const STREAMING = [
  { mode: 'echo', streams: 32, title: 'bidirectional streams, 32 on 4 connections, a message of 100 bytes and its answer in turn' },
  { mode: 'flood', streams: 4, title: 'server streams, 4 on 4 connections, messages of 1 KiB as fast as they are taken' },
] as const; // prettier-ignore

async function* streaming(context: BenchContext, program: string): AsyncGenerator<Case | undefined> {
  const to = await freePort();
  const application = await grpcServer(program, to);
  const contenders = await pairs(context, to);
  try {
    for (const { mode, streams, title } of STREAMING) {
      yield await closedLoop(context, {
        scenario: 'grpc',
        key: mode,
        title: `gRPC through two sidecars: ${title}`,
        columns: named('message', mode === 'echo' ? SIDE_COLUMNS : FLOOD_COLUMNS),
        comparisons: cpuAgainst(PEER),
        // a stream is one request, whatever the number of its messages
        contenders: contenders.map(({ name, port, client, server }) => ({
          name,
          port,
          server,
          ...(client === undefined ? {} : { client }),
        })),
        load: ({ port }, seconds) => grpcStreams(program, { port, mode, streams, seconds }),
      });
    }
  } finally {
    await stop(contenders);
    await application.stop();
  }
}

async function* run(context: BenchContext): AsyncGenerator<Case | Note | undefined> {
  yield* unary(context);
  let program: string;
  try {
    program = await buildGrpcStreams(context.dir);
  } catch (error) {
    return yield { note: `gRPC streaming was left out: ${(error as Error).message}` };
  }
  yield* streaming(context, program);
}

export const grpc: Scenario = {
  name: 'grpc',
  about: 'gRPC through two sidecars: unary, and streaming where Go is there',
  run,
};
