import type { InboundListen, OutboundListen } from './context.ts';
import type { Environment } from './env.ts';

export interface Listeners {
  inbound: InboundListen[];
  outbound: OutboundListen[];
}

/** Where the data path listens. Port 0 closes a side in redirect mode; in process mode the mappings say all. */
export function dataListeners(environment: Environment): Listeners {
  const { inbound, outbound } = unshared(environment);
  if (environment.workers === 1) return { inbound, outbound };
  const shared = <T extends InboundListen | OutboundListen>(of: T): T => ({
    ...of,
    listen: { ...of.listen, shared: true },
  });
  return { inbound: inbound.map(shared), outbound: outbound.map(shared) };
}

function unshared({ listen, ports }: Environment): Listeners {
  if (listen) return { inbound: [...listen.inbound], outbound: [...listen.outbound] };
  return {
    // redirection from the network leads to an address of the pod, redirection inside the pod to loopback
    inbound: [{ listen: { host: '::', port: ports.inbound } }],
    outbound: ['127.0.0.1', '::1'].map((host) => ({ listen: { host, port: ports.outbound } })),
  };
}

/** Address for what kubelet and scrapers reach: all of the pod's, or loopback beside other processes. */
export const publicHost = ({ listen }: Environment): string => (listen ? '127.0.0.1' : '::');

/** Where probes of the application go, and from where: a source that redirection lets through. */
export function probeAddresses({ listen, pod }: Environment): {
  host: string;
  localAddress: string | undefined;
} {
  const host = pod.ips[0]!;
  if (listen) return { host, localAddress: undefined };
  return { host, localAddress: host.includes(':') ? '::6' : '127.0.0.6' };
}
