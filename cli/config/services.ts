/** The services that a proxy can call, and where calls to an address go. */
import type { DirectoryService, ProxyConfig, Service, ServicePort } from '../../core/proxyConfig/index.ts';
import { tableText } from '../output.ts';
import type { ConfigPage } from '../cluster/proxy.ts';

const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

const portText = ({ port, protocol }: { port: number; protocol: string }): string => `${port}/${protocol}`;

/** `2/3`: in rotation, of all. */
const endpointsText = ({ endpoints }: ServicePort): string =>
  `${endpoints.filter(({ state }) => state === 'Ready').length}/${endpoints.length}`;

/** What protects calls to a port: `mTLS` where each endpoint has a proxy. */
function securityOf({ endpoints }: ServicePort): string {
  const protectedOnes = endpoints.filter(({ wire }) => wire !== undefined).length;
  if (endpoints.length === 0) return '';
  if (protectedOnes === endpoints.length) return 'mTLS';
  return protectedOnes === 0 ? 'plain' : 'mixed';
}

/** Of the own namespace, or of another one that the workload has called. */
const whyHeld = (service: Service, { workload }: ProxyConfig): string =>
  service.namespace === workload.namespace ? 'namespace' : 'used';

export function servicesText(document: ProxyConfig, wide: boolean): string {
  const rows = document.services.flatMap((service) =>
    service.ports.map((port) => [
      keyOf(service),
      service.addresses.join(','),
      portText(port),
      endpointsText(port),
      securityOf(port),
      whyHeld(service, document),
      ...(wide ? [service.hash.slice(0, 12), port.endpoints.map(({ address }) => address).join(',')] : []),
    ]),
  );
  const head = ['SERVICE', 'ADDRESSES', 'PORT', 'READY', 'SECURITY', 'BECAUSE'];
  return tableText([...head, ...(wide ? ['HASH', 'ENDPOINTS'] : [])], rows);
}

export interface Route {
  /** Address and port that the application calls; `*` for everything else. */
  readonly to: string;
  readonly service: string;
  readonly protocol: string;
  /** ByEndpoint: balanced. ByAddress: by mTLS to the service's address, after its endpoints were asked for. */
  readonly how: 'ByEndpoint' | 'ByAddress' | 'Refused' | 'Outside';
  readonly detail: string;
}

const ofService = (service: Service): Route[] =>
  service.ports.flatMap((port) =>
    (service.addresses.length > 0 ? service.addresses : port.endpoints.map(({ address }) => address)).map(
      (address) => ({
        to: `${address}:${port.port}`,
        service: keyOf(service),
        protocol: port.protocol,
        how: 'ByEndpoint',
        detail: `${endpointsText(port)} ready${securityOf(port) ? `, ${securityOf(port)}` : ''}`,
      }),
    ),
  );

const ofEntry = (entry: DirectoryService): Route[] =>
  entry.addresses.flatMap((address) =>
    entry.ports.map(({ port, protocol }) => ({
      to: `${address}:${port}`,
      service: keyOf(entry),
      protocol,
      ...(entry.hidden
        ? { how: 'Refused' as const, detail: 'SERVICE_HIDDEN' }
        : { how: 'ByAddress' as const, detail: 'its endpoints are asked for at the first call; mTLS' }),
    })),
  );

/** All that the proxy knows, the most specific first: services of the document, of the directory, the rest. */
export function routesOf({ document, directory }: ConfigPage): Route[] {
  if (!document) return [];
  const held = new Set(document.services.map(keyOf));
  const rest: Route =
    document.settings.outbound === 'RegistryOnly'
      ? { to: '*', service: '', protocol: '', how: 'Refused', detail: 'OUTBOUND_NOT_REGISTERED' }
      : { to: '*', service: '', protocol: '', how: 'Outside', detail: 'passed on as it is' };
  const outside = (directory?.outside ?? []).flatMap((entry) =>
    entry.addresses.flatMap((address) =>
      entry.ports.map((port): Route => ({
        to: `${address}:${port}`,
        service: keyOf(entry),
        protocol: '',
        how: 'Outside',
        detail: 'passed on as it is',
      })),
    ),
  );
  return [
    ...document.services.flatMap(ofService),
    ...(directory?.services ?? []).filter((entry) => !held.has(keyOf(entry))).flatMap(ofEntry),
    ...outside,
    rest,
  ];
}

export const routesText = (page: ConfigPage): string =>
  tableText(
    ['TO', 'SERVICE', 'PROTOCOL', 'HOW', 'DETAIL'],
    routesOf(page).map(({ to, service, protocol, how, detail }) => [to, service, protocol, how, detail]),
  );
