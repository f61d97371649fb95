/** The endpoints of a service, and how each is spoken to: by its pod, its proxy and the policies on it. */
import {
  spiffeId,
  type EndpointModel,
  type PodModel,
  type ServiceModel,
  type ServicePortModel,
} from '../model/index.ts';
import { bestWire, type Endpoint } from '../proxyConfig/index.ts';
import { modeOf } from './inbound.ts';
import type { MeshIndex } from './meshIndex.ts';
import { order } from './order.ts';
import type { LabelledPolicy } from './policyBook.ts';

/** What endpoints are compiled with. */
export interface EndpointContext {
  readonly mesh: MeshIndex;
  /** Gathers the policies that were asked: when one of them is another, so may be the endpoints. */
  readonly consulted: Set<LabelledPolicy>;
}

/** The pod behind an endpoint; `gone` where it is said to be one that is not known (yet, or any more). */
export function podBehind(endpoint: EndpointModel, { snapshot }: MeshIndex): PodModel | 'gone' | undefined {
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
  { mesh, consulted }: EndpointContext,
): Pick<Endpoint, 'wire' | 'identity'> | 'unprotected' {
  const policy = mesh.book.of(pod.namespace, pod.labels);
  consulted.add(policy);
  const mode = modeOf(policy.inbound, port);
  const wire = bestWire(pod.proxy?.wires ?? []);
  if (wire && mode !== 'Disabled') {
    const { trustDomain } = mesh.book.facts;
    return { wire, identity: spiffeId(trustDomain, pod.namespace, pod.serviceAccount) };
  }
  return mode === 'Strict' ? 'unprotected' : {};
}

function endpointOf(endpoint: EndpointModel, port: number, context: EndpointContext): Endpoint | undefined {
  const pod = podBehind(endpoint, context.mesh);
  // whether it speaks mTLS is not known, and to guess would send plain text to a proxy
  if (pod === 'gone') return undefined;
  const state = stateOf(endpoint, pod);
  const { address, zone = pod?.zone, node = pod?.node } = endpoint;
  const how = pod ? security(pod, port, context) : {};
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

/** Of two forms of an endpoint the more usable one; of two that are as good, the same one in whatever order they come. */
const isBetter = (one: Endpoint, other: Endpoint): boolean =>
  (PREFERENCE.indexOf(one.state) - PREFERENCE.indexOf(other.state) ||
    order(one.pod ?? '', other.pod ?? '') ||
    order(JSON.stringify(one), JSON.stringify(other))) < 0;

/** By address and port, each once. */
export function endpointsOf(
  service: ServiceModel,
  port: ServicePortModel,
  context: EndpointContext,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const model of service.endpoints) {
    const number = model.ports[port.name ?? ''];
    const endpoint = number === undefined ? undefined : endpointOf(model, number, context);
    if (!endpoint) continue;
    const key = `${endpoint.address} ${endpoint.port}`;
    const other = found.get(key);
    if (!other || isBetter(endpoint, other)) found.set(key, endpoint);
  }
  return [...found.values()].sort((a, b) => order(a.address, b.address) || a.port - b.port);
}
