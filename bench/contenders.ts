/** Who runs against whom. Every contender enforces the same rules, counts and logs. */
import type { Identities } from './certificates.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import type { Started } from './process.ts';
import { SERVICE_ADDRESS, weft, WORKLOAD_PORT } from './weft.ts';

export interface Contender {
  name: string;
  /** Loopback port that takes the load. */
  port: number;
  processes: Started[];
}

export interface BenchContext {
  dir: string;
  backendPort: number;
  identities: Identities;
}

const inboundListen = (port: number, backendPort: number) => ({
  inbound: [{ listen: `127.0.0.1:${port}`, port: WORKLOAD_PORT, dial: `127.0.0.1:${backendPort}` }],
  outbound: [],
});

export async function plaintextHop({ dir, backendPort, identities }: BenchContext): Promise<Contender[]> {
  return [
    {
      name: 'HAProxy',
      port: 29101,
      processes: [await haproxy({ dir, name: 'plain', port: 29101, to: backendPort })],
    },
    {
      name: 'nginx',
      port: 29102,
      processes: [await nginx({ dir, name: 'plain', port: 29102, to: backendPort })],
    },
    {
      name: 'Weft',
      port: 29103,
      processes: [
        await weft({
          dir,
          account: 'server',
          identity: identities.server,
          inboundPort: 29103,
          listen: inboundListen(29103, backendPort),
          port: 29103,
          adminPort: 29110,
        }),
      ],
    },
  ];
}

export async function mtlsHop({ dir, backendPort, identities }: BenchContext): Promise<Contender[]> {
  const haServer = await haproxy({ dir, name: 'server', port: 29202, to: backendPort, tls: 'server' });
  const haClient = await haproxy({ dir, name: 'client', port: 29201, to: 29202, tls: 'client' });
  const h2Server = await haproxy({
    dir,
    name: 'server2',
    port: 29204,
    to: backendPort,
    tls: 'server',
    alpn: 'h2',
  });
  const h2Client = await haproxy({ dir, name: 'client2', port: 29203, to: 29204, tls: 'client', alpn: 'h2' });
  const ngServer = await nginx({ dir, name: 'server', port: 29206, to: backendPort, tls: 'server' });
  const ngClient = await nginx({ dir, name: 'client', port: 29205, to: 29206, tls: 'client' });
  const weftServer = await weft({
    dir,
    account: 'server',
    identity: identities.server,
    inboundPort: 29208,
    listen: inboundListen(29208, backendPort),
    port: 29208,
    adminPort: 29220,
  });
  const weftClient = await weft({
    dir,
    account: 'client',
    identity: identities.client,
    inboundPort: 29208,
    listen: {
      inbound: [],
      outbound: [{ listen: '127.0.0.1:29207', destination: `${SERVICE_ADDRESS}:${WORKLOAD_PORT}` }],
    },
    port: 29207,
    adminPort: 29230,
  });
  return [
    { name: 'HAProxy pair', port: 29201, processes: [haClient, haServer] },
    { name: 'HAProxy pair, HTTP/2 between', port: 29203, processes: [h2Client, h2Server] },
    { name: 'nginx pair', port: 29205, processes: [ngClient, ngServer] },
    { name: 'Weft pair', port: 29207, processes: [weftClient, weftServer] },
  ];
}
