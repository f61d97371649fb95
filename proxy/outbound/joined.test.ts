/** Connections to what was outside the mesh when they were opened. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { DirectoryService } from '../../core/proxyConfig/index.ts';
import { TestMeshOfTwo, id } from '../testing/mesh.ts';
import { configState } from '../testing/plane.ts';
import { Client, serve, until } from '../testing/sockets.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
afterEach(() => mesh.stop());

const entry = (address: string, port: number): DirectoryService => ({
  namespace: 'bank',
  name: 'ledger',
  addresses: [address],
  ports: [{ port, protocol: 'Tcp' }],
  identities: [id('ledger')],
});

describe('a connection of bytes that was opened to the outside', () => {
  it('ends when its address turns out to be of the mesh, and no sooner', async () => {
    const server = await serve((socket) => socket.on('data', (bytes) => socket.write(bytes)));
    mesh.onEnd(() => server.close());
    const { plane, port } = await mesh.client({}, { host: '127.0.0.1', port: server.port });
    const client = new Client(port);
    client.write('\0one');
    await client.next('one');
    plane.config.set(configState({ directory: [entry('127.0.0.9', server.port)] }));
    client.write('\0two');
    await client.next('two');
    plane.config.set(configState({ directory: [entry('127.0.0.1', server.port)] }));
    await until(() => client.closed, 'the end');
    expect(client.error).toBe('ECONNRESET');
  });
});
