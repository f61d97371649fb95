/** What directories say of a service: how it is reached by mTLS at its address, or that it is not of the mesh. */
import { selects, spiffeId, type PodModel, type ServiceModel } from '../model/index.ts';
import {
  bestWire,
  type DirectoryService,
  type OutsideService,
  type Service,
  type Wire,
} from '../proxyConfig/index.ts';
import { podBehind } from './endpoints.ts';
import type { MeshIndex } from './meshIndex.ts';
import { order } from './order.ts';

type Content = Omit<Service, 'hash'>;

/** ServiceAccounts of the workloads that the service selects: identities of endpoints to come. */
function accountsToCome({ namespace, selector }: ServiceModel, mesh: MeshIndex): string[] {
  if (Object.keys(selector).length === 0) return [];
  const accounts = new Set<string>();
  for (const { template } of mesh.workloads.get(namespace)?.values() ?? []) {
    if (template && selects(selector, template.labels)) accounts.add(template.serviceAccount);
  }
  return [...accounts];
}

/** The pods with a proxy behind a service, also where policy lets clients send plain text. */
export const proxiesBehind = ({ endpoints }: ServiceModel, mesh: MeshIndex): PodModel[] =>
  endpoints.flatMap((endpoint) => {
    const pod = podBehind(endpoint, mesh);
    return pod !== undefined && pod !== 'gone' && pod.proxy !== undefined ? [pod] : [];
  });

/**
 * The wire for an address that may lead to any of them, and soon to one that is not known yet. Where there is none,
 * the one that every version speaks: while versions change, the next pod may be of the older one.
 */
function commonWire(pods: readonly PodModel[]): Wire {
  const [first = 'weft-tcp/1', ...others] = new Set(pods.map(({ proxy }) => bestWire(proxy?.wires ?? [])));
  return others.length === 0 ? first : 'weft-tcp/1';
}

const byPort = <P extends { port: number }>(ports: readonly P[]): P[] =>
  [...new Map(ports.map((each) => [each.port, each])).values()].sort((a, b) => a.port - b.port);

const uniqueTexts = (texts: readonly string[]): string[] => [...new Set(texts)].sort(order);

export function directoryEntry(
  service: Content,
  model: ServiceModel,
  { mesh, proxies }: { mesh: MeshIndex; proxies: readonly PodModel[] },
): DirectoryService {
  const { namespace, name, addresses, ports } = service;
  const { trustDomain } = mesh.book.facts;
  const endpoints = ports.flatMap((port) => port.endpoints);
  const toCome = accountsToCome(model, mesh).map((account) => spiffeId(trustDomain, namespace, account));
  // a headless service is dialled at its endpoints, by their own ports; those without a proxy speak plain text
  const secured = ports.flatMap(({ protocol, endpoints }) =>
    endpoints.flatMap(({ wire, address, port }) => (wire ? [{ address, port, protocol }] : [])),
  );
  const dialled = (model.headless ? secured : ports).map(({ port, protocol }) => ({ port, protocol }));
  return {
    namespace,
    name,
    addresses: model.headless ? uniqueTexts(secured.map(({ address }) => address)) : addresses,
    ports: byPort(dialled),
    identities: uniqueTexts([...toCome, ...endpoints.flatMap(({ identity }) => identity ?? [])]),
    wire: commonWire(proxies),
  };
}

/** A headless service is dialled at its endpoints, ready or not; any other at its address, which is of one kind. */
export function outsideEntry(
  service: Content,
  model: ServiceModel,
  { mesh, listed }: { mesh: MeshIndex; listed: boolean },
): OutsideService | undefined {
  const { namespace, name } = service;
  if (!model.headless) {
    if (listed) return undefined;
    return { namespace, name, addresses: service.addresses, ports: service.ports.map(({ port }) => port) };
  }
  const at = (address: string, port: number) => `${address} ${port}`;
  const endpoints = service.ports.flatMap((port) => port.endpoints);
  const secured = new Set(endpoints.flatMap(({ wire, address, port }) => (wire ? [at(address, port)] : [])));
  const plain = model.endpoints.flatMap((endpoint) =>
    podBehind(endpoint, mesh) === 'gone'
      ? []
      : Object.values(endpoint.ports).flatMap((port) =>
          secured.has(at(endpoint.address, port)) ? [] : [{ address: endpoint.address, port }],
        ),
  );
  if (plain.length === 0) return undefined;
  return {
    namespace,
    name,
    addresses: uniqueTexts(plain.map(({ address }) => address)),
    ports: [...new Set(plain.map(({ port }) => port))].sort((a, b) => a - b),
  };
}

/**
 * A service in the directory of a namespace that may not see it: all its addresses, those without mTLS too, so that
 * none is taken for the outside, and nothing to reach them by.
 */
export function hiddenEntry(entry: DirectoryService, outside: OutsideService | undefined): DirectoryService {
  const { namespace, name, addresses, ports } = entry;
  const plain = (outside?.ports ?? []).map((port) => ({ port, protocol: 'Auto' as const }));
  return {
    namespace,
    name,
    addresses: uniqueTexts([...addresses, ...(outside?.addresses ?? [])]),
    ports: byPort([...plain, ...ports]),
    identities: [],
    hidden: true,
  };
}
