/** A stream client that is connected to a control server of the test, over real mTLS. */
import { createTestMesh } from '../../../certs/testing/pki.ts';
import { CONTROL_VERSION, type Report } from '../../../core/control/index.ts';
import type { Log } from '../../context.ts';
import type { ConfigCore } from '../core.ts';
import { loadIdentity, type LoadedIdentity } from '../identity.ts';
import { LiveValue } from '../live.ts';
import { StreamClient, type StreamOptions } from '../streamClient.ts';
import { startTestOperator } from './operator.ts';
import { eventually } from './volumes.ts';

const OPERATOR = 'spiffe://cluster.local/ns/weft-system/sa/weft-operator';
const CART = 'spiffe://cluster.local/ns/shop/sa/cart';

const report = (): Report => ({
  version: CONTROL_VERSION,
  pod: { namespace: 'shop', name: 'cart-1', uid: 'u' },
  workload: { kind: 'deployment', name: 'cart' },
  proxyVersion: '0.1.0',
});
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

export async function connectedClient(core: ConfigCore, change: Partial<StreamOptions> = {}) {
  const mesh = await createTestMesh();
  const loaded = async () =>
    loadIdentity({ ...(await mesh.workload('shop', 'cart')) }, { spiffeId: CART, now: new Date() });
  const identity = new LiveValue<LoadedIdentity>();
  identity.set(await loaded());
  const server = await startTestOperator(await mesh.issue({ spiffeId: OPERATOR }));
  const options = { address: server.address, identity, operatorId: OPERATOR, core, report, log };
  const backoff = { minMs: 5, maxMs: 50 };
  const client = new StreamClient({ ...options, backoff, returnMs: 20, renewMs: 20, ...change });
  await eventually(() => client.state.connected && server.streams[0]?.messages.length === 1);
  return {
    server,
    client,
    stream: server.streams[0]!,
    renew: async () => identity.set(await loaded()),
    stop: async () => {
      client.stop();
      await server.close();
    },
  };
}
