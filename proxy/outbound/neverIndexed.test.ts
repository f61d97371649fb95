/** Fields that must be let into no table of HPACK stay so through both proxies (RFC 7541, 7.1.3). */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import { RawClient, blocksOf, rawApplication } from '../testing/rawHttp2.ts';
import { until } from '../testing/sockets.ts';
import { NEVER, block, data, frame, type Frame } from '../wire/http2/testing/frames.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const END_STREAM = 1;
const END_HEADERS = 4;
const REQUEST = [':method', 'POST', ':scheme', 'http', ':path', '/', ':authority', 'cart'];
const section = (payload: Buffer, flags = 0) =>
  frame({ type: 1, flags: flags | END_HEADERS, id: 1, payload });
const secret = (name: string) => block([name, 'hidden'], NEVER);
const open = (name: string) => block([name, 'known']);

/** A section with a secret and another field, which must not become one. */
const mixed = (first: readonly string[], name: string) =>
  Buffer.concat([block(first), secret(`x-secret-${name}`), open(`x-open-${name}`)]);
const ended = ({ flags, id }: Frame) => id === 1 && (flags & END_STREAM) !== 0;

describe('never-indexed', () => {
  it('stays what is so in requests, responses and trailers of both', async () => {
    let asked: Frame[] = [];
    const port = await rawApplication(mesh, (frames, send) => {
      asked = frames;
      if (!frames.some(ended)) return;
      send(
        section(mixed([':status', '103'], 'hint')),
        section(mixed([':status', '200'], 'answer')),
        data(1, 'body'),
        section(mixed([], 'sum'), END_STREAM),
      );
    });
    const server = await mesh.server(port);
    const client = new RawClient((await mesh.client({ services: [cart([server.endpoint()])] })).port);
    client.send(section(mixed(REQUEST, 'head')));
    await until(() => blocksOf(asked).length === 1, 'the head');
    client.send(data(1, 'body'), section(mixed([], 'trailer'), END_STREAM));
    const answered = await client.until((frames) => frames.some(ended), 'the answer');
    client.close();
    const sections = [...blocksOf(asked), ...blocksOf(answered)];
    const names = ['head', 'trailer', 'hint', 'answer', 'sum'];
    expect(sections).toHaveLength(names.length);
    for (const [index, name] of names.entries()) {
      expect([name, sections[index]!.includes(secret(`x-secret-${name}`))]).toEqual([name, true]);
      expect(sections[index]!.includes(`x-open-${name}`)).toBe(true);
      expect(sections[index]!.includes(block([`x-open-${name}`, 'known'], NEVER))).toBe(false);
    }
  });

  it('is nothing that was not', async () => {
    let asked: Frame[] = [];
    const port = await rawApplication(mesh, (frames) => (asked = frames));
    const server = await mesh.server(port);
    const client = new RawClient((await mesh.client({ services: [cart([server.endpoint()])] })).port);
    client.send(section(Buffer.concat([block(REQUEST), open('x-plain')]), END_STREAM));
    await until(() => asked.some(ended), 'the request');
    client.close();
    const [head] = blocksOf(asked);
    expect(head!.includes('x-plain')).toBe(true);
    expect(head!.includes(block(['x-plain', 'known'], NEVER))).toBe(false);
  });
});
