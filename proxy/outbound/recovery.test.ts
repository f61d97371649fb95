import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { Protocol } from '../../core/proxyConfig/index.ts';
import { greetingAt, tlsApplication } from '../testing/applicationTls.ts';
import { TestMeshOfTwo, cart } from '../testing/mesh.ts';
import { Client, deadPort } from '../testing/sockets.ts';
import { Pool } from '../wire/exchange/pool.ts';

let authority: TestMesh;
let mesh: TestMeshOfTwo;
beforeAll(async () => {
  authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
});
const open = vi.spyOn(Pool.prototype, 'open');
afterEach(async () => {
  await mesh.stop();
  open.mockClear();
});

/** Two proxies before `application`; the first takes the port for `protocol`. */
async function throughTwo(application: number, protocol: Protocol, atServer: Protocol): Promise<number> {
  const server = await mesh.server(application, { protocols: { '8080': atServer } });
  return (await mesh.client({ services: [cart([server.endpoint()], protocol)] })).port;
}

/** The endpoint that was dialled last, which is now said not to have served. */
function failedEndpoint(): Pool {
  const endpoint = (open.mock.contexts as Pool[]).findLast(({ options }) => options.trusted)!;
  endpoint.avoid();
  return endpoint;
}

describe.each(['Http', 'Auto', 'Tcp'] as const)(
  'an endpoint that did not serve, of a port taken for %s',
  (protocol) => {
    it('is no better for TLS that its proxy took and could not hand over', async () => {
      const port = await throughTwo(await deadPort(), protocol, 'Http');
      expect(await greetingAt(port)).toBe('');
      const endpoint = failedEndpoint();
      const { downUntil } = endpoint;
      expect(await greetingAt(port)).toBe('');
      expect([downUntil > 0, endpoint.downUntil]).toEqual([true, downUntil]);
    });

    it('is in order when its application is heard', async () => {
      const application = await tlsApplication(mesh, await authority.workload('shop', 'own'));
      const port = await throughTwo(application.port, protocol, 'Http');
      expect(await greetingAt(port)).not.toBe('');
      const endpoint = failedEndpoint();
      expect(await greetingAt(port)).not.toBe('');
      expect(endpoint.downUntil).toBe(0);
    });
  },
);

it.each(['Auto', 'Tcp'] as const)(
  'a server that speaks first is heard, port taken for %s',
  async (protocol) => {
    const port = await throughTwo(await mesh.bytes((socket) => socket.end('220\r\n')), protocol, 'Tcp');
    await new Client(port).until('220');
    const endpoint = failedEndpoint();
    await new Client(port).until('220');
    expect(endpoint.downUntil).toBe(0);
  },
);
