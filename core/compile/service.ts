/**
 * The part of a document that says how one service is reached. Made once for all documents that hold it, and again
 * only when the Service, its endpoints' pods or the policies on them change.
 */
import {
  selects,
  spiffeId,
  type EndpointModel,
  type PodModel,
  type ServiceModel,
  type ServicePortModel,
} from '../model/index.ts';
import {
  bestWire,
  canonicalJson,
  type DirectoryService,
  type Endpoint,
  type Hash,
  type OutsideService,
  type Service,
  type Wire,
} from '../proxyConfig/index.ts';
import { modeOf } from './inbound.ts';
import { protocolOf } from './protocol.ts';
import { order, type View } from './view.ts';

export interface CompiledService {
  /** For documents of its own namespace, where its bare name resolves to it. */
  readonly local: Service;
  /** For documents of other namespaces. */
  readonly foreign: Service;
  /**
   * mesh: every endpoint speaks mTLS, so its address and identities suffice: in the directory.
   * mixed: some endpoints are reached by plain text, so every document needs its endpoints.
   * outside: no endpoint has a proxy and none is to be expected: passed through as it is.
   */
  readonly place: 'mesh' | 'mixed' | 'outside';
  /**
   * In the directory. A mixed service too, from its first endpoint with a proxy on: documents and directory change one
   * after the other, and a service on its way into the mesh must never be in neither. Not before: documents have it
   * since its namespace was enabled, and mTLS to its address would reach pods that have no proxy yet.
   */
  readonly listed: boolean;
  readonly directory: DirectoryService;
  /** The addresses that `directory` does not cover, since nobody speaks mTLS there. */
  readonly outside: OutsideService | undefined;
}

/** The pod behind an endpoint; `gone` where it is said to be one that is not known (yet, or any more). */
function podBehind(endpoint: EndpointModel, { snapshot }: View): PodModel | 'gone' | undefined {
  if (endpoint.pod === undefined) return undefined;
  const pod = snapshot.pods.get(endpoint.pod);
  if (!pod || pod.phase === 'Succeeded' || pod.phase === 'Failed') return 'gone';
  return endpoint.podUid !== undefined && endpoint.podUid !== pod.uid ? 'gone' : pod;
}

/** Whether it may be used, before policy is asked. */
function stateOf(endpoint: EndpointModel, pod: PodModel | undefined): 'Ready' | 'Terminating' | 'NotReady' {
  // the pod's deletion is seen before its EndpointSlice says so
  if (endpoint.terminating || pod?.terminating) return endpoint.serving ? 'Terminating' : 'NotReady';
  return endpoint.ready ? 'Ready' : 'NotReady';
}

/**
 * A pod that has a proxy is spoken to through it, also while the proxy is not up: its port is redirected, so plain
 * text would reach nobody, or be refused once the proxy is back.
 */
function security(
  pod: PodModel,
  port: number,
  view: View,
): Pick<Endpoint, 'wire' | 'identity'> | 'unprotected' {
  const mode = modeOf(view.book.of(pod.namespace, pod.labels).inbound, port);
  const wire = bestWire(pod.proxy?.wires ?? []);
  if (wire && mode !== 'Disabled') {
    const { trustDomain } = view.snapshot.meshConfig;
    return { wire, identity: spiffeId(trustDomain, pod.namespace, pod.serviceAccount) };
  }
  return mode === 'Strict' ? 'unprotected' : {};
}

function endpointOf(endpoint: EndpointModel, port: number, view: View): Endpoint | undefined {
  const pod = podBehind(endpoint, view);
  // whether it speaks mTLS is not known, and to guess would send plain text to a proxy
  if (pod === 'gone') return undefined;
  const state = stateOf(endpoint, pod);
  const { address, zone = pod?.zone, node = pod?.node } = endpoint;
  const how = pod ? security(pod, port, view) : {};
  // peers of a StatefulSet dial each other before they are Ready: unknown here, that would be plain text
  if (state === 'NotReady' && (how === 'unprotected' || !how.wire)) return undefined;
  return {
    address,
    port,
    ...(how === 'unprotected' ? { state: 'Unprotected' } : { state, ...how }),
    ...(endpoint.pod ? { pod: endpoint.pod } : {}),
    ...(zone ? { zone } : {}),
    ...(node ? { node } : {}),
  };
}

const PREFERENCE: readonly Endpoint['state'][] = ['Ready', 'Terminating', 'NotReady', 'Unprotected'];

/** By address and port, each once: of two forms the more usable one. */
function endpointsOf(service: ServiceModel, port: ServicePortModel, view: View): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const model of service.endpoints) {
    const number = model.ports[port.name ?? ''];
    const endpoint = number === undefined ? undefined : endpointOf(model, number, view);
    if (!endpoint) continue;
    const key = `${endpoint.address} ${endpoint.port}`;
    const other = found.get(key);
    if (!other || PREFERENCE.indexOf(endpoint.state) < PREFERENCE.indexOf(other.state))
      found.set(key, endpoint);
  }
  return [...found.values()].sort((a, b) => order(a.address, b.address) || a.port - b.port);
}

/** ServiceAccounts of the workloads that the service selects: identities of endpoints to come. */
function accountsToCome({ namespace, selector }: ServiceModel, view: View): string[] {
  if (Object.keys(selector).length === 0) return [];
  const accounts = (view.templates.get(namespace) ?? [])
    .filter(({ template }) => template && selects(selector, template.labels))
    .map(({ template }) => template!.serviceAccount);
  return [...new Set(accounts)].sort(order);
}

/** The pods with a proxy behind a service, also where policy lets clients send plain text. */
const proxiesBehind = ({ endpoints }: ServiceModel, view: View): PodModel[] =>
  endpoints.flatMap((endpoint) => {
    const pod = podBehind(endpoint, view);
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

function directoryOf(
  service: Service,
  accounts: readonly string[],
  { headless, trustDomain, wire }: { headless: boolean; trustDomain: string; wire: Wire },
): DirectoryService {
  const { namespace, name, addresses, ports } = service;
  const endpoints = ports.flatMap((port) => port.endpoints);
  const identities = new Set(accounts.map((account) => spiffeId(trustDomain, namespace, account)));
  for (const { identity } of endpoints) if (identity) identities.add(identity);
  // a headless service is dialled at its endpoints, by their own ports; those without a proxy speak plain text
  const secured = ports.flatMap(({ protocol, endpoints }) =>
    endpoints.flatMap(({ wire, address, port }) => (wire ? [{ address, port, protocol }] : [])),
  );
  const dialled = (headless ? secured : ports).map(({ port, protocol }) => ({ port, protocol }));
  return {
    namespace,
    name,
    addresses: headless ? [...new Set(secured.map(({ address }) => address))].sort(order) : addresses,
    ports: [...new Map(dialled.map((each) => [each.port, each])).values()].sort((a, b) => a.port - b.port),
    identities: [...identities].sort(order),
    wire,
  };
}

/** A headless service is dialled at its endpoints, ready or not; any other at its address, which is of one kind. */
function outsideOf(
  service: Service,
  model: ServiceModel,
  { view, listed }: { view: View; listed: boolean },
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
    podBehind(endpoint, view) === 'gone'
      ? []
      : Object.values(endpoint.ports).flatMap((port) =>
          secured.has(at(endpoint.address, port)) ? [] : [{ address: endpoint.address, port }],
        ),
  );
  if (plain.length === 0) return undefined;
  const addresses = [...new Set(plain.map(({ address }) => address))].sort(order);
  const ports = [...new Set(plain.map(({ port }) => port))].sort((a, b) => a - b);
  return { namespace, name, addresses, ports };
}

function placeOf(service: Service, model: ServiceModel, enabled: boolean): CompiledService['place'] {
  const endpoints = service.ports.flatMap((port) => port.endpoints);
  const secured = endpoints.some(({ wire }) => wire);
  if (endpoints.some(({ wire }) => !wire)) {
    // addresses that belong to no pod are of no namespace's mesh
    return secured || (enabled && endpoints.some(({ pod }) => pod)) ? 'mixed' : 'outside';
  }
  return secured || (enabled && Object.keys(model.selector).length > 0) ? 'mesh' : 'outside';
}

function withHash(part: Omit<Service, 'hash'>, hash: Hash): Service {
  return { hash: hash(canonicalJson(part)), ...part };
}

function compileAnew(
  model: ServiceModel,
  accounts: readonly string[],
  [view, hash]: [View, Hash],
): CompiledService {
  const { snapshot } = view;
  const { namespace, name, headless } = model;
  const full = [
    `${name}.${namespace}`,
    `${name}.${namespace}.svc`,
    `${name}.${namespace}.svc.${snapshot.clusterDomain}`,
  ];
  const part = {
    namespace,
    name,
    addresses: [...model.addresses],
    ports: model.ports.map((port) => ({
      port: port.port,
      ...(port.name ? { name: port.name } : {}),
      protocol: protocolOf(port),
      endpoints: endpointsOf(model, port, view),
    })),
  };
  const local = withHash({ ...part, hosts: [name, ...full] }, hash);
  const { trustDomain } = snapshot.meshConfig;
  const proxies = proxiesBehind(model, view);
  const place = placeOf(local, model, snapshot.namespaces.get(namespace)?.enabled === true);
  // where policy says Disabled, clients send plain text, but the proxies take mTLS all the same
  const listed = place === 'mesh' || proxies.length > 0;
  return {
    local,
    foreign: withHash({ ...part, hosts: full }, hash),
    place,
    listed,
    outside: outsideOf(local, model, { view, listed }),
    directory: directoryOf(local, accounts, { headless, trustDomain, wire: commonWire(proxies) }),
  };
}

const compiled = new WeakMap<ServiceModel, { inputs: readonly unknown[]; result: CompiledService }>();

/** The compiled service; the very same value as long as nothing that it is made from is another. */
export function compileService(model: ServiceModel, view: View, hash: Hash): CompiledService {
  const { snapshot, book } = view;
  const accounts = accountsToCome(model, view);
  const inputs: unknown[] = [
    hash,
    book,
    snapshot.clusterDomain,
    snapshot.namespaces.get(model.namespace)?.enabled,
    accounts.join(),
  ];
  for (const { pod } of model.endpoints) if (pod) inputs.push(snapshot.pods.get(pod));
  const last = compiled.get(model);
  if (last && last.inputs.length === inputs.length && last.inputs.every((input, i) => input === inputs[i])) {
    return last.result;
  }
  const result = keepEqual(last?.result, compileAnew(model, accounts, [view, hash]));
  compiled.set(model, { inputs, result });
  return result;
}

/** Parts with the same hash stay the same value, so that documents see that nothing changed. */
function keepEqual(last: CompiledService | undefined, next: CompiledService): CompiledService {
  if (!last) return next;
  return {
    ...next,
    local: last.local.hash === next.local.hash ? last.local : next.local,
    foreign: last.foreign.hash === next.foreign.hash ? last.foreign : next.foreign,
  };
}
