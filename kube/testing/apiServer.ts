/**
 * A double of the Kubernetes API server for tests: real HTTP on loopback, answers like the real one
 * (conformance.ts runs the same checks against both).
 *
 *   const server = await startApiServer();
 *   const client = server.client();                              // a KubeClient for it; also server.url
 *   server.objects.put(resources.pods, { metadata: { namespace: 'shop', name: 'cart-1' }, status: { phase: 'Running' } });
 *   server.objects.get(resources.configMaps, { namespace: 'shop', name: 'weft.deployment.cart' });
 *   server.objects.list(resources.secrets, 'shop'); server.objects.delete(resources.pods, { namespace, name });
 *   server.collectGarbage();                                     // removes objects whose owners are gone
 *   server.requests                                              // what was asked: verb, plural, namespace, name, body…
 *   server.faults.respond({ status: 429, retryAfter: 1, method: 'PATCH', path: '/secrets', times: 2 });
 *   server.faults.delay({ ms: 50, path: '/pods' }); server.faults.drop({ method: 'POST', afterwards: true });
 *   server.watches.drop(); .end(); .bookmark(); .expire(); .garbage(); .stall(); .resume(); .count('pods');
 *   server.compact();                                            // every known resourceVersion is now too old: 410
 *   await server.down(); await server.up();                      // away and back on the same port, with its content
 *   await server.close();
 *
 * It knows: one resourceVersion for all; LIST with selectors, limit and continue; WATCH with bookmarks and 410; 409 on
 * stale versions and names taken; merge, JSON and server-side apply patches with managedFields; /status; generation;
 * deletion with preconditions and finalizers; PartialObjectMetadata; namespaces; kinds added by a
 * CustomResourceDefinition; dryRun; `authorize` for what RBAC would refuse. It does not know: validation by schema or
 * admission, defaults of kinds other than Secret, strategic merge patch, controllers, graceful deletion of Pods.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { plainAccess } from '../access.ts';
import { KubeClient, type ClientOptions } from '../client.ts';
import { resources, type CustomResourceDefinition, type Resource } from '../resource.ts';
import { Faults } from './faults.ts';
import { Handler, type SeenRequest } from './handler.ts';
import { Objects } from './objects.ts';
import { resourceId, Storage } from './storage.ts';
import { Watches } from './watches.ts';

export type { SeenRequest } from './handler.ts';
export type { Fault, FaultMatch, RespondFault } from './faults.ts';

export interface ApiServerOptions {
  /** Made at start beside default, kube-system and weft-system. */
  namespaces?: string[];
  /** Kinds beside those of resource.ts. */
  resources?: Resource[];
  /** What RBAC says; default yes to all. */
  authorize?: (request: SeenRequest) => boolean;
}

export interface ApiServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly objects: Objects;
  readonly faults: Faults;
  readonly watches: Watches;
  /** Every request so far, oldest first; may be emptied by `requests.length = 0`. */
  readonly requests: SeenRequest[];
  /** The counter behind resourceVersion. */
  readonly revision: number;
  /** A new client; closed with the server. `token` is sent as bearer token. */
  client(options?: ClientOptions & { token?: string }): KubeClient;
  compact(): void;
  collectGarbage(): number;
  /** Connections break and new ones are refused. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a double on a free port of 127.0.0.1. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const storage = new Storage();
  const objects = new Objects(storage);
  const watches = new Watches(storage);
  const faults = new Faults();
  const requests: SeenRequest[] = [];
  const known = new Map<string, Resource>();
  for (const resource of [...Object.values(resources), ...(options.resources ?? [])]) {
    known.set(resourceId(resource), resource);
  }
  learnKinds(storage, known);
  for (const name of ['default', 'kube-system', 'weft-system', ...(options.namespaces ?? [])])
    objects.namespace(name);

  const authorize = options.authorize ?? (() => true);
  const handler = new Handler({ storage, watches, faults, known, seen: requests, authorize });
  const server = createServer((request, response) => void handler.handle(request, response));
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve());
    });
  const down = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const clients: KubeClient[] = [];
  return {
    url,
    objects,
    faults,
    watches,
    requests,
    get revision() {
      return storage.revision;
    },
    client({ token, ...clientOptions } = {}) {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const client = new KubeClient(plainAccess(url, headers), clientOptions);
      clients.push(client);
      return client;
    },
    compact: () => storage.compact(),
    collectGarbage: () => objects.collectGarbage(known.values()),
    down,
    up: () => listen(port),
    async close() {
      for (const client of clients) client.close();
      await down();
    },
  };
}

/** A CustomResourceDefinition adds its kind as soon as it is there. */
function learnKinds(storage: Storage, known: Map<string, Resource>): void {
  const crds = resourceId(resources.customResourceDefinitions);
  storage.listeners.add(({ id, type, object }) => {
    if (id !== crds) return;
    const { group, names, scope, versions } = (object as CustomResourceDefinition).spec;
    const resource: Resource = {
      group,
      version: versions[0]?.name ?? '',
      plural: names.plural,
      kind: names.kind,
      namespaced: scope === 'Namespaced',
    };
    if (type === 'DELETED') known.delete(resourceId(resource));
    else known.set(resourceId(resource), resource);
  });
}
