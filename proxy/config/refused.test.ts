/** What a proxy refused comes again: it asks for it, and not too often. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestMesh } from '../../certs/testing/pki.ts';
import type { Log } from '../context.ts';
import { ConfigCore } from './core.ts';
import type { StreamOptions } from './streamClient.ts';
import { connectedClient } from './testing/client.ts';
import { directoryMessage, directoryOf, documentOf, listed, serviceOf, updateOf } from './testing/mesh.ts';
import { statesOf } from './testing/operator.ts';
import { eventually } from './testing/volumes.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
let core: ConfigCore;
let connection: Awaited<ReturnType<typeof connectedClient>>;

async function connect(change: Partial<StreamOptions>) {
  const mesh = await createTestMesh();
  connection = await connectedClient(core, (spiffeId) => mesh.issue({ spiffeId }), change);
  return connection;
}

beforeEach(() => {
  core = new ConfigCore({ log });
  core.files({ config: undefined, directory: undefined, labels: 'app="cart"\n' });
});

afterEach(() => connection.stop());

it('asks again after a while where even the whole document does not fit, and on each new stream', async () => {
  const { stream, server } = await connect({ restateMs: 300 });
  const document = documentOf({ services: [serviceOf('web')] });
  const wrong = { ...updateOf(document, { parts: {}, services: {} }), hash: 'x' };
  let says: number[] = [];
  server.onMessage = (to, message) => {
    if (message.type !== 'state') return;
    says.push(performance.now());
    to.send(says.length < 4 ? wrong : updateOf(document, message.has));
  };
  stream.send(wrong);
  await eventually(() => core.config.current?.document.revision === '10');
  expect(statesOf(stream)).toHaveLength(5);
  expect(says[2]! - says[1]!).toBeGreaterThan(250);
  says = [];
  stream.send({ ...wrong, revision: '11' });
  await eventually(() => says.length === 2);
  stream.destroy();
  await eventually(() => server.streams.length === 2 && statesOf(server.streams[1]!).length > 1);
  expect(statesOf(server.streams[1]!)[0]!.has.parts).not.toEqual({});
  expect(statesOf(server.streams[1]!)[1]!.has.parts).toEqual({});
});

it('asks for everything where even the hashes of what it has are too many', async () => {
  const services = Array.from({ length: 4000 }, (_, index) => serviceOf(`${'long'.repeat(60)}-${index}`));
  const document = documentOf({ services });
  core.update(updateOf(document, core.has()));
  expect(JSON.stringify(core.has()).length).toBeGreaterThan(1024 * 1024);
  const { stream } = await connect({});
  expect(statesOf(stream)[0]!.has).toEqual({ parts: {}, services: {} });
});

it('asks again after a while for a directory that was refused', async () => {
  const { stream } = await connect({ restateMs: 100 });
  const directory = directoryMessage(directoryOf({ services: [listed(serviceOf('web'))] }));
  const broken = { ...directory, services: [{ namespace: 'shop' }] } as unknown as typeof directory;
  stream.send(broken);
  await eventually(() => statesOf(stream).length === 2);
  stream.send(broken);
  await eventually(() => statesOf(stream).length === 3);
  stream.send(directory);
  await eventually(() => core.directorySource !== undefined);
  expect(core.has().directory).toBe(directory.hash);
});
