/** Who runs against whom. Every contender enforces the same rules, counts and logs. */
import type { Protocol } from '../../core/proxyConfig/index.ts';
import type { BenchContext, Bundle } from '../context.ts';
import { SERVICE_ADDRESS, WORKLOAD_PORT } from './documents.ts';
import { haproxy } from './haproxy.ts';
import { plain, secure, type Link } from './links.ts';
import { nginx } from './nginx.ts';
import { freePort, type Started } from './process.ts';
import { counted, weft, type Weft } from './weft.ts';

export interface Contender {
  name: string;
  /** Loopback port that takes the load. */
  port: number;
  /** One proxy alone is the server's side. */
  server: Started;
  client?: Started;
  /** What our proxy that takes the load counted itself; a load that it did not see was not measured. */
  counted?: () => Promise<{ requests: number; connections: number }>;
}

export const processesOf = ({ client, server }: Contender): Started[] =>
  client === undefined ? [server] : [client, server];

export const stop = async (contenders: readonly Contender[]): Promise<void> => {
  for (const contender of contenders) for (const started of processesOf(contender)) await started.stop();
};

/** What the client speaks, and the application. */
export type Traffic = 'http/1.1' | 'h2' | 'grpc' | 'bytes';

const DECLARED: Record<Traffic, Protocol> = { 'http/1.1': 'Http', h2: 'Http2', grpc: 'Grpc', bytes: 'Tcp' };
const spoken = (traffic: Traffic): Link['protocol'] => (traffic === 'grpc' ? 'h2' : traffic);

export interface Route {
  traffic: Traffic;
  /** Port of the application. */
  to: number;
}

/** `secured`: takes mTLS. */
export async function haproxyHop(
  { dir, options: { log } }: BenchContext,
  { traffic, to, secured = false }: Route & { secured?: boolean },
): Promise<Contender> {
  const port = await freePort();
  const link = plain(spoken(traffic));
  const incoming = secured ? secure(link.protocol) : link;
  const server = await haproxy({ dir, name: `hop-${port}`, port, to, in: incoming, out: link, log });
  return { name: 'HAProxy', port, server };
}

export async function nginxHop(
  { dir }: BenchContext,
  { to, secured = false }: Route & { secured?: boolean },
): Promise<Contender> {
  const port = await freePort();
  const link = plain('http/1.1');
  const incoming = secured ? secure('http/1.1') : link;
  const server = await nginx({ dir, name: `hop-${port}`, port, to, in: incoming, out: link });
  return { name: 'nginx', port, server };
}

/** Two processes with mTLS between; `between` is what they speak inside it. */
export async function haproxyPair(
  { dir, options: { log } }: BenchContext,
  { traffic, to, between }: Route & { between: Link['protocol'] },
): Promise<Contender> {
  const [port, inner] = [await freePort(), await freePort()];
  const [edge, middle] = [plain(spoken(traffic)), secure(between)];
  const server = await haproxy({ dir, name: `server-${inner}`, port: inner, to, in: middle, out: edge, log });
  const client = await haproxy({ dir, name: `client-${port}`, port, to: inner, in: edge, out: middle, log });
  return { name: between === 'h2' ? 'HAProxy pair, h2' : 'HAProxy pair', port, client, server };
}

export async function nginxPair({ dir }: BenchContext, { to }: Route): Promise<Contender> {
  const [port, inner] = [await freePort(), await freePort()];
  const [edge, middle] = [plain('http/1.1'), secure('http/1.1')];
  const server = await nginx({ dir, name: `server-${inner}`, port: inner, to, in: middle, out: edge });
  const client = await nginx({ dir, name: `client-${port}`, port, to: inner, in: edge, out: middle });
  return { name: 'nginx pair', port, client, server };
}

export type Account = 'client' | 'server';

export interface WeftRoute extends Route {
  bundle: Bundle;
  otherServices?: number;
  meshServices?: number;
  /** Arguments of Node before the bundle. */
  nodeArguments?: (account: Account) => string[];
}

const inboundProxy = (
  { dir, identities }: BenchContext,
  { traffic, to, bundle, otherServices = 0, meshServices = otherServices, nodeArguments }: WeftRoute,
  port: number,
): Promise<Weft> =>
  weft({
    dir,
    bundle: bundle.file,
    account: 'server',
    identity: identities.server,
    protocol: DECLARED[traffic],
    peerPort: port,
    otherServices,
    meshServices,
    nodeArguments: [...bundle.nodeArguments, ...(nodeArguments?.('server') ?? [])],
    listen: {
      inbound: [{ listen: `127.0.0.1:${port}`, port: WORKLOAD_PORT, dial: `127.0.0.1:${to}` }],
      outbound: [],
    },
    port,
  });

export async function weftHop(
  context: BenchContext,
  route: WeftRoute,
): Promise<Contender & { server: Weft }> {
  const port = await freePort();
  const server = await inboundProxy(context, route, port);
  return { name: route.bundle.name, port, server, counted: () => counted(server.metricsPort) };
}

export async function weftPair(context: BenchContext, route: WeftRoute): Promise<Contender> {
  const [port, inner] = [await freePort(), await freePort()];
  const { bundle, traffic, otherServices = 0, nodeArguments } = route;
  const server = await inboundProxy(context, route, inner);
  const client = await weft({
    dir: context.dir,
    bundle: bundle.file,
    account: 'client',
    identity: context.identities.client,
    protocol: DECLARED[traffic],
    peerPort: inner,
    otherServices,
    nodeArguments: [...bundle.nodeArguments, ...(nodeArguments?.('client') ?? [])],
    listen: {
      inbound: [],
      outbound: [{ listen: `127.0.0.1:${port}`, destination: `${SERVICE_ADDRESS}:${WORKLOAD_PORT}` }],
    },
    port,
  });
  return {
    name: `${bundle.name} pair`,
    port,
    client,
    server,
    // what it carries as bytes it cannot count as requests
    ...(traffic === 'bytes' ? {} : { counted: () => counted(client.metricsPort) }),
  };
}
