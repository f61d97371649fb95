import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { IdentityFiles } from '../../certs/verify/index.ts';
import { CONTROL_VERSION, type Report } from '../../core/control/index.ts';
import type { Log } from '../context.ts';
import { ConfigCore } from './core.ts';
import { loadIdentity, type LoadedIdentity } from './identity.ts';
import { LiveValue } from './live.ts';
import { StreamClient, type StreamOptions } from './streamClient.ts';
import { directoryMessage, directoryOf, documentOf, listed, serviceOf, updateOf } from './testing/mesh.ts';
import { startTestOperator, statesOf, type TestOperator } from './testing/operator.ts';
import { eventually } from './testing/volumes.ts';

const OPERATOR = 'spiffe://cluster.local/ns/weft-system/sa/weft-operator';
const CART = 'spiffe://cluster.local/ns/shop/sa/cart';

let mesh: TestMesh;
let identity: LiveValue<LoadedIdentity>;
let core: ConfigCore;
const warnings: object[] = [];
const clients: StreamClient[] = [];
const operators: TestOperator[] = [];
const log: Log = { debug() {}, info() {}, warn: (fields) => void warnings.push(fields), error() {} };

const report = (): Report => ({
  version: CONTROL_VERSION,
  pod: { namespace: 'shop', name: 'cart-1', uid: 'u' },
  workload: { kind: 'deployment', name: 'cart' },
  proxyVersion: '0.1.0',
});

const loaded = (files: IdentityFiles, name = 'cart') =>
  loadIdentity({ ...files }, { spiffeId: `spiffe://cluster.local/ns/shop/sa/${name}`, now: new Date() });

async function operator(port?: number): Promise<TestOperator> {
  const started = await startTestOperator(await mesh.issue({ spiffeId: OPERATOR }), port);
  operators.push(started);
  return started;
}

function start(change: Partial<StreamOptions> & Pick<StreamOptions, 'address'>): StreamClient {
  const backoff = { minMs: 5, maxMs: 50 };
  const options = { identity, operatorId: OPERATOR, core, report, log, backoff, returnMs: 20, renewMs: 20 };
  const client = new StreamClient({ ...options, ...change });
  clients.push(client);
  return client;
}

async function connected(change: Partial<StreamOptions> = {}) {
  const server = await operator();
  const client = start({ address: server.address, ...change });
  await eventually(() => client.state.connected && server.streams[0]?.messages.length === 1);
  return { server, client, stream: server.streams[0]! };
}

const has = () => core.has();
const revision = () => core.config.current?.document.revision;

beforeEach(async () => {
  mesh = await createTestMesh();
  identity = new LiveValue();
  identity.set(loaded(await mesh.workload('shop', 'cart')));
  core = new ConfigCore({ log });
  core.files({ config: undefined, directory: undefined, labels: 'app="cart"\n' });
  warnings.length = 0;
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.stop();
  for (const operator of operators.splice(0)) await operator.close();
});

describe('the stream', () => {
  it('says what the proxy has, takes what differs, and answers each update', async () => {
    const { stream, client } = await connected();
    expect(stream.client).toBe(CART);
    expect(stream.messages).toEqual([
      { type: 'state', report: report(), has: { parts: {}, services: {} }, used: [] },
    ]);
    const first = documentOf({ services: [serviceOf('web')] });
    stream.send(updateOf(first, has()));
    await eventually(() => stream.messages.length === 2);
    expect(stream.messages[1]).toMatchObject({ type: 'ack', epoch: 1, revision: '10', hash: first.hash });
    const second = documentOf({
      revision: '11',
      services: [serviceOf('web', { endpoints: ['10.1.0.1', '10.1.0.2'] })],
    });
    const update = updateOf(second, has());
    expect([Object.keys(update.parts), update.services.length]).toEqual([[], 1]);
    stream.send(update);
    await eventually(() => stream.messages.length === 3);
    expect(stream.messages[2]).toMatchObject({ type: 'ack', revision: '11', hash: second.hash });
    expect(core.config.current!.destinations.resolve('10.96.0.1', 8080).ready).toHaveLength(2);
    expect(client.state).toMatchObject({
      connections: 1,
      messages: { update: 2 },
      updates: { applied: 2, refused: 0 },
      problem: null,
      lastContact: expect.any(String),
    });
  });

  it('refuses what is wrong whole, and keeps what it has', async () => {
    const { stream } = await connected();
    stream.send(updateOf(documentOf(), has()));
    await eventually(() => stream.messages.length === 2);
    const telemetry = { accessLog: 'Some' as 'All' };
    stream.send(updateOf(documentOf({ revision: '11', telemetry, services: [serviceOf('web')] }), has()));
    await eventually(() => stream.messages.length === 3);
    expect(stream.messages[2]).toMatchObject({
      type: 'refusal',
      revision: '11',
      code: 'DOCUMENT_INVALID',
      field: 'telemetry.accessLog',
    });
    expect([revision(), core.config.current!.services.size]).toEqual(['10', 0]);
    stream.send(updateOf(documentOf({ revision: '9', services: [serviceOf('web')] }), has()));
    await eventually(() => stream.messages.length === 4);
    expect(stream.messages[3]).toMatchObject({ type: 'refusal', code: 'DOCUMENT_STALE' });
  });

  it('asks for everything where an update does not fit, once', async () => {
    const { stream, server } = await connected();
    const document = documentOf({ services: [serviceOf('web')] });
    stream.send(updateOf(document, has()));
    await eventually(() => core.config.current?.services.size === 1);
    server.onMessage = (to, message) => {
      if (message.type !== 'state') return;
      expect(message.has).toEqual({ parts: {}, services: {} });
      to.send(updateOf(documentOf({ ...document, revision: '12' }), message.has));
    };
    stream.send({ ...updateOf(document, has()), revision: '11', hash: 'another' });
    await eventually(() => stream.messages.length === 5);
    expect(revision()).toBe('12');
    expect(stream.messages.map(({ type }) => type)).toEqual(['state', 'ack', 'refusal', 'state', 'ack']);
  });

  it('brings the directory by its changes, and whole where these do not fit', async () => {
    const { stream } = await connected();
    const one = directoryOf({ services: [listed(serviceOf('ledger', { namespace: 'bank' }))] });
    const two = directoryOf({
      revision: '11',
      services: [...one.services, listed(serviceOf('teller', { namespace: 'bank', address: '10.96.0.2' }))],
    });
    stream.send(directoryMessage(one));
    stream.send(directoryMessage(two, one));
    stream.send(updateOf(documentOf(), has()));
    await eventually(() => core.config.current?.directory?.services.byKey.size === 2);
    expect(core.config.current!.destinations.resolve('10.96.0.2', 8080).kind).toBe('directory');
    stream.send(directoryMessage({ ...two, revision: '12', hash: 'h' }, one));
    await eventually(() => statesOf(stream).length === 2);
    expect(statesOf(stream)[1]!.has.directory).toBeUndefined();
    expect(core.config.current!.directory!.hash).toBe(two.hash);
  });

  it('tells what files changed, many changes in one message', async () => {
    const { stream, client } = await connected();
    for (const revision of ['20', '21']) {
      const config = JSON.stringify(documentOf({ revision }));
      core.files({ config, directory: undefined, labels: 'app="cart"\n' });
      client.changed();
    }
    await eventually(() => statesOf(stream).length === 2);
    expect(Object.keys(statesOf(stream)[1]!.has.parts)).toEqual(['policy', 'trust', 'telemetry', 'settings']);
  });
});

describe('connections', () => {
  it('come back after they ended, with what the proxy has then', async () => {
    const { stream, server, client } = await connected();
    stream.send(updateOf(documentOf(), has()));
    await eventually(() => stream.messages.length === 2);
    stream.destroy();
    await eventually(() => server.streams.length === 2 && statesOf(server.streams[1]!).length === 1);
    expect(statesOf(server.streams[1]!)[0]!.has).toEqual(has());
    await eventually(() => client.state.connected);
    const { port } = server.address;
    await server.close();
    operators.splice(0);
    await eventually(() => client.state.problem?.includes('ECONNREFUSED'));
    expect(client.state).toMatchObject({ connected: false, peer: null });
    const again = await operator(port);
    await eventually(() => again.streams.length === 1 && client.state.connected);
    expect(client.state.problem).toBeNull();
    expect(warnings.filter((fields) => JSON.stringify(fields).includes('ECONNREFUSED'))).toHaveLength(1);
  });

  it('are opened elsewhere when the operator says that it goes, before the old one is left', async () => {
    const { stream, server, client } = await connected();
    stream.goAway();
    await eventually(() => server.streams.length === 2);
    await eventually(() => stream.closed);
    expect(client.state).toMatchObject({ connected: true, connections: 2 });
  });

  it('are made anew with a new certificate, while the one before goes on', async () => {
    const { stream, server, client } = await connected();
    let overlapped = false;
    server.onMessage = (on) => (overlapped ||= on !== stream && !stream.closed);
    identity.set(loaded(await mesh.workload('shop', 'web'), 'web'));
    await eventually(() => server.streams.length === 2 && client.state.connections === 2);
    expect(server.streams[1]!.client).toBe('spiffe://cluster.local/ns/shop/sa/web');
    expect(overlapped).toBe(true);
    await eventually(() => stream.closed);
  });

  it('wait for the first certificate', async () => {
    const server = await operator();
    const later = new LiveValue<LoadedIdentity>();
    const client = start({ address: server.address, identity: later });
    expect(client.state).toMatchObject({ connected: false, problem: null });
    later.set(identity.current!);
    await eventually(() => client.state.connected);
    expect(server.streams).toHaveLength(1);
  });

  it('are tried again after a refusal, which is told once', async () => {
    const server = await operator();
    server.status = 503;
    const client = start({ address: server.address });
    await eventually(() => client.state.problem === 'the operator answered 503');
    server.status = 200;
    server.onMessage = (stream) => {
      if (server.streams.length > 3) return;
      stream.send({ type: 'error', code: 'REPORT_REFUSED', message: 'no such pod' });
      stream.end();
    };
    await eventually(() => client.state.connected && server.streams.length === 4);
    expect(warnings.map((fields) => (fields as { problem: string }).problem)).toContain(
      'REPORT_REFUSED: no such pod',
    );
  });

  it('end where a message cannot be read', async () => {
    const { stream, server, client } = await connected();
    stream.write('{"type":"update"}\n');
    await eventually(() => server.streams.length === 2);
    expect(JSON.stringify(warnings)).toContain('epoch is not what update has');
    server.streams[1]!.write('{"type":"of a later version"}\n{"type":"absent","services":{}}\n');
    await eventually(() => client.state.messages.absent === 1);
  });

  it('say nothing to a server that does not prove the identity of the operator', async () => {
    const imposter = await startTestOperator(await mesh.workload('shop', 'web'));
    const stranger = await startTestOperator(await (await createTestMesh()).issue({ spiffeId: OPERATOR }));
    operators.push(imposter, stranger);
    const [one, other] = [start({ address: imposter.address }), start({ address: stranger.address })];
    await eventually(() => one.state.problem?.includes('sa/web') && other.state.problem !== null);
    expect([imposter.streams, stranger.streams]).toEqual([[], []]);
  });
});

describe('what the application calls', () => {
  const ledger = serviceOf('ledger', { namespace: 'bank' });

  it('is asked for, comes, and is said to be used from then on', async () => {
    const { stream, server, client } = await connected();
    stream.send(updateOf(documentOf(), has()));
    await eventually(() => stream.messages.length === 2);
    const waiting = [client.demand.want('bank/ledger'), client.demand.want('bank/ledger')];
    server.onMessage = (to, message) => {
      if (message.type === 'ask') to.send(updateOf(documentOf({ services: [ledger] }), has()));
    };
    await Promise.all(waiting);
    expect(core.config.current!.services.has('bank/ledger')).toBe(true);
    expect(stream.messages.filter(({ type }) => type === 'ask')).toEqual([
      { type: 'ask', services: ['bank/ledger'] },
    ]);
    // a file that does not know of it yet
    const config = JSON.stringify(documentOf({ revision: '12' }));
    core.files({ config, directory: undefined, labels: 'app="cart"\n' });
    client.changed();
    await eventually(() => statesOf(stream).length === 2);
    expect(statesOf(stream)[1]!.used).toEqual(['bank/ledger']);
  });

  it('is not waited for where nobody is connected, or the connection is lost', async () => {
    const { stream, client } = await connected();
    const waiting = client.demand.want('bank/ledger');
    await eventually(() => stream.messages.length === 2);
    stream.destroy();
    await waiting;
    expect(client.state.asks).toMatchObject({ lost: 1 });
    client.stop();
    expect(client.demand.want('bank/ledger')).toBeUndefined();
  });
});
