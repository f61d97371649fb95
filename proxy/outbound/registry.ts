/** Which addresses outside the mesh may be reached, where MeshConfig's outbound default is RegistryOnly. */
import type { ProxyConfig } from '../../core/proxyConfig/index.ts';
import { joinHostPort, normalizeAddress } from '../wire/address.ts';
import type { CompactDirectory } from './directory.ts';

const DNS_PORT = 53;

/** What a pod reaches whatever MeshConfig says: itself, and DNS, which goes by TCP where an answer is long. */
export interface Vicinity {
  /** The pod's own addresses: members of a cluster dial themselves by them. */
  readonly addresses: readonly string[];
  /** Addresses of the resolvers in its resolv.conf, which need not be those of a Service. */
  readonly resolvers: readonly string[];
}

const NOTHING: Vicinity = { addresses: [], resolvers: [] };

/**
 * Says of a normalized address that neither a service of the document nor one of the mesh has whether it may be
 * reached; undefined: each may. Document and directory change one after the other: where the directory has no list yet,
 * nothing is refused; where there is no directory at all, everything is.
 */
export function registryOf(
  settings: ProxyConfig['settings'],
  directory: CompactDirectory | undefined,
  { addresses, resolvers }: Vicinity = NOTHING,
): ((address: string, port: number) => boolean) | undefined {
  if (settings.outbound !== 'RegistryOnly') return undefined;
  if (directory && directory.outside === undefined) return undefined;
  const own = new Set(addresses.map(normalizeAddress));
  const dns = new Set(resolvers.map((address) => joinHostPort(normalizeAddress(address), DNS_PORT)));
  return (address, port) =>
    own.has(address) ||
    dns.has(joinHostPort(address, port)) ||
    (directory?.isOutside(address, port) ?? false);
}
