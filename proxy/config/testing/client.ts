/** A stream client that is connected to a control server of the test, over real mTLS. */
import type { IdentityFiles } from '../../../certs/verify/index.ts';
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

/** Issues the files of an identity: certs/testing has one. */
type Issue = (spiffeId: string) => Promise<IdentityFiles>;

export async function connectedClient(core: ConfigCore, issue: Issue, change: Partial<StreamOptions> = {}) {
  const identity = new LiveValue<LoadedIdentity>();
  identity.set(loadIdentity({ ...(await issue(CART)) }, { spiffeId: CART, now: new Date() }));
  const server = await startTestOperator(await issue(OPERATOR));
  const options = { address: server.address, identity, operatorId: OPERATOR, core, report, log };
  const backoff = { minMs: 5, maxMs: 50 };
  const client = new StreamClient({ ...options, backoff, returnMs: 20, renewMs: 20, ...change });
  await eventually(() => client.state.connected && server.streams[0]?.messages.length === 1);
  return {
    server,
    stream: server.streams[0]!,
    stop: async () => {
      client.stop();
      await server.close();
    },
  };
}
