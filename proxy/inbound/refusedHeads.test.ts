/** Requests of HTTP/2 that are refused before they are judged, and errors of HTTP/2: what clients and operators see. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { call2, client2 } from '../testing/http2.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import { RawClient, blocksOf, rawApplication } from '../testing/rawHttp2.ts';
import type { TestPlane } from '../testing/plane.ts';
import { until } from '../testing/sockets.ts';
import { HpackDecoder } from '../wire/http2/hpack/decoder.ts';
import { block, data, frame, headers, windowUpdate } from '../wire/http2/testing/frames.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const GET = [':method', 'GET', ':scheme', 'http', ':path', '/items?x=1', ':authority', 'cart'];
/** A field of 3,000 bytes that goes into the table, and is said 30 times. */
const LARGE = Buffer.concat([
  Buffer.from([0x40]),
  block(['x', 'y'.repeat(3000)]).subarray(1),
  Buffer.alloc(29, 0xbe),
]);
const RST_STREAM = 3;
const GOAWAY = 7;

describe('a request of HTTP/2', () => {
  it('whose head is too large is answered as all refusals are, and logged', async () => {
    const server = await mesh.server(1);
    const client = new RawClient(server.port);
    client.send(frame({ type: 1, flags: 5, id: 1, payload: Buffer.concat([block(GET), LARGE]) }));
    const frames = await client.until(
      (all) => all.some(({ type, flags }) => type === 0 && flags === 1),
      'the answer',
    );
    const [head] = blocksOf(frames);
    const fields = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 10_000 }).decode(
      head!,
      0,
      head!.length,
    );
    expect(fields).toEqual(expect.arrayContaining(['431', 'weft', 'HEADERS_TOO_LARGE', 'application/json']));
    expect(JSON.parse(frames.find(({ type }) => type === 0)!.payload.toString())).toMatchObject({
      code: 'HEADERS_TOO_LARGE',
    });
    client.send(headers(3, GET));
    await client.until((all) => blocksOf(all).length === 2, 'the answer to another request');
    client.close();
    const { telemetry } = server.plane;
    expect(telemetry.finished.slice(0, 1)).toMatchObject([
      { exchange: { status: 431, flag: 'HEADERS_TOO_LARGE' }, path: '/items?x=1', protocol: 'HTTP/2' },
    ]);
    expect(telemetry.boundsReached).toEqual(['headerListBytes']);
  });

  it('that is malformed is reset, and logged with what was wrong', async () => {
    const server = await mesh.server(1);
    const client = new RawClient(server.port);
    client.send(headers(1, [...GET, 'Upper', 'x']));
    const frames = await client.until((all) => all.some(({ type }) => type === RST_STREAM), 'the reset');
    expect(frames.at(-1)!.payload.readUInt32BE(0)).toBe(1);
    client.close();
    const { telemetry } = server.plane;
    expect(telemetry.finished).toMatchObject([
      {
        key: { direction: 'inbound', security: 'plain' },
        exchange: { status: 400, flag: 'BAD_REQUEST' },
        path: '/items?x=1',
        detail: 'invalid field name',
      },
    ]);
    expect(telemetry.http2Errors).toEqual(['inbound proxy 1']);
  });

  it('that is malformed is always counted, but a flood of them is not logged', async () => {
    const server = await mesh.server(1);
    const client = new RawClient(server.port);
    client.send(...Array.from({ length: 300 }, (_, index) => headers(index * 2 + 1, ['a', 'b'])));
    const { telemetry } = server.plane;
    await until(() => telemetry.finished.length + telemetry.counted.length === 300, 'the end of all');
    client.close();
    expect(telemetry.finished.length).toBeGreaterThanOrEqual(100);
    // some may come back while this runs
    expect(telemetry.finished.length).toBeLessThan(200);
    expect(telemetry.counted[0]).toMatchObject({ status: 400, flag: 'BAD_REQUEST' });
  });
});

describe('errors of HTTP/2', () => {
  // CANCEL: a stream was opened for a silent client, which then spoke HTTP
  const errors = ({ plane }: { plane: TestPlane }) =>
    plane.telemetry.http2Errors.filter((error) => !error.endsWith(' 8'));

  it('of a client are counted where this proxy answers them', async () => {
    const server = await mesh.server(1);
    const client = new RawClient(server.port);
    client.send(data(0, 'x'));
    await client.until((all) => all.some(({ type }) => type === GOAWAY), 'the end');
    client.close();
    expect(server.plane.telemetry.http2Errors).toEqual(['inbound proxy 1']);
  });

  it('of an application are counted at its proxy alone', async () => {
    const port = await rawApplication(mesh, (frames, send) => {
      if (frames.some(({ type, id }) => type === 1 && id === 1)) send(headers(1, ['status', '200']));
    });
    const server = await mesh.server(port);
    const client = await mesh.client({ services: [cart([server.endpoint()])] });
    const answer = await call2(await client2(mesh, client.port), {});
    expect(answer.headers).toMatchObject({ ':status': 502, 'x-weft-reason': 'UPSTREAM_PROTOCOL_ERROR' });
    expect(JSON.parse(answer.body)).toMatchObject({ detail: 'no :status' });
    expect(errors(server)).toEqual(['inbound proxy 1']);
    expect(errors(client)).toEqual([]);
  });

  it('are counted as those of the peer where it says them', async () => {
    const port = await rawApplication(mesh, (frames, send) => {
      if (frames.some(({ type, id }) => type === 1 && id === 1)) send(windowUpdate(0, 1), RESET);
    });
    const server = await mesh.server(port);
    await call2(await client2(mesh, server.port), {});
    expect(errors(server)).toContain('inbound peer 13');
  });
});

/** HTTP_1_1_REQUIRED on stream 1. */
const RESET = Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 13]);
