import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DeleteOptions } from '../client.ts';
import type { KubeObject, Resource } from '../resource.ts';
import type { Faults } from './faults.ts';
import type { Json } from './fields.ts';
import { Lists } from './lists.ts';
import { Operations, type Target, type WriteContext } from './operations.ts';
import { routeOf, type Route } from './routes.ts';
import { matcherOf } from './selectors.ts';
import { badRequest, noSuchPath, StatusError } from './status.ts';
import type { Storage } from './storage.ts';
import type { Watches } from './watches.ts';

/** One request as the double received it. */
export interface SeenRequest {
  method: string;
  /** Without its query. */
  path: string;
  /** get, list, watch, create, update, patch, delete: the verb that RBAC would ask for. */
  verb: string;
  query: URLSearchParams;
  group: string;
  plural: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  contentType: string;
  accept: string;
  /** Of `Authorization: Bearer`. */
  token: string | undefined;
  body: Json | undefined;
}

export interface HandlerOptions {
  storage: Storage;
  watches: Watches;
  faults: Faults;
  known: Map<string, Resource>;
  seen: SeenRequest[];
  /** False: 403. */
  authorize: (request: SeenRequest) => boolean;
}

const MAX_BODY_BYTES = 3 * 1024 * 1024;
const MAX_SEEN = 20_000;

/** Answers HTTP requests as the API server does. */
export class Handler {
  readonly #options: HandlerOptions;
  readonly #operations: Operations;
  readonly #lists: Lists;

  constructor(options: HandlerOptions) {
    this.#options = options;
    this.#operations = new Operations(options.storage);
    this.#lists = new Lists(options.storage);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { faults } = this.#options;
    try {
      const text = await bodyOf(request);
      if (await faults.meet(request, response, 'before')) return;
      const answer = this.#answer(request, text, response);
      if (answer === undefined || (await faults.meet(request, response, 'after'))) return;
      send(response, answer.code, answer.body);
    } catch (error) {
      const status = error instanceof StatusError ? error.status : internal(error as Error);
      if (response.headersSent) response.end();
      else send(response, status.code, status);
    }
  }

  /** Undefined: the answer is a watch and has begun. */
  #answer(
    request: IncomingMessage,
    text: string,
    response: ServerResponse,
  ): { code: number; body: object } | undefined {
    const url = new URL(request.url ?? '/', 'http://double');
    if (url.pathname === '/version')
      return { code: 200, body: { major: '1', minor: '36', gitVersion: 'v1.36.0' } };
    const route = routeOf(url.pathname, this.#options.known.values());
    if (!route) throw noSuchPath();
    const seen = seenOf(request, { url, route, body: text === '' ? undefined : parseBody(text) });
    this.#remember(seen);
    if (!this.#options.authorize(seen)) throw forbidden(seen);
    const render = rendererOf(seen.accept);
    const { resource, namespace } = route;
    if (seen.verb === 'list' || seen.verb === 'watch') {
      const matches = matcherOf(url.searchParams, namespace);
      if (seen.verb === 'list') return { code: 200, body: this.#list(route, url, { matches, render }) };
      const query = url.searchParams;
      this.#options.watches.serve({
        resource,
        matches,
        render,
        response,
        resourceVersion: query.get('resourceVersion') ?? '',
        bookmarks: query.get('allowWatchBookmarks') === 'true',
        timeoutSeconds: query.has('timeoutSeconds') ? Number(query.get('timeoutSeconds')) : undefined,
      });
      return undefined;
    }
    const existed = seen.verb === 'patch' && this.#exists(route);
    const object = this.#write(seen, route);
    const created = seen.verb === 'create' || (seen.verb === 'patch' && !existed);
    return { code: created ? 201 : 200, body: render(object) };
  }

  #list(route: Route, url: URL, options: Parameters<Lists['list']>[2]): object {
    const { kind, group, version } = route.resource;
    const partial = options.render({ metadata: { name: 'x' } } as KubeObject);
    const isPartial = (partial as KubeObject).kind === 'PartialObjectMetadata';
    const head = isPartial
      ? { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' }
      : { kind: `${kind}List`, apiVersion: group ? `${group}/${version}` : version };
    const { metadata, items } = this.#lists.list(route.resource, url.searchParams, options);
    return { ...head, metadata, items: isPartial && items.length === 0 ? null : items };
  }

  #exists({ resource, namespace, name = '' }: Route): boolean {
    return this.#options.storage.get(resource, namespace ? `${namespace}/${name}` : name) !== undefined;
  }

  #write(seen: SeenRequest, route: Route): KubeObject {
    const { verb, query, contentType } = seen;
    const target: Target = { ...route, name: route.name ?? '' };
    if (verb === 'get') return this.#operations.read(target);
    const context: WriteContext = {
      fieldManager: query.get('fieldManager') ?? 'unknown',
      dryRun: query.get('dryRun') === 'All',
      force: query.get('force') === 'true',
    };
    const body = seen.body ?? {};
    const object = body as unknown as KubeObject;
    if (verb === 'create') return this.#operations.create(target, object, context);
    if (verb === 'update') return this.#operations.replace(target, object, context);
    if (verb === 'patch') return this.#patch(target, { contentType, body }, { query, context });
    const { preconditions = {} } = body as { preconditions?: DeleteOptions };
    return this.#operations.remove(target, preconditions, context);
  }

  #patch(
    target: Target,
    patch: { contentType: string; body: Json },
    { query, context }: { query: URLSearchParams; context: WriteContext },
  ): KubeObject {
    if (patch.contentType === 'application/apply-patch+yaml' && !query.get('fieldManager')) {
      throw new StatusError(422, 'Invalid', {
        message:
          'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      });
    }
    return this.#operations.patch(target, patch, context);
  }

  #remember(seen: SeenRequest): void {
    this.#options.seen.push(seen);
    if (this.#options.seen.length > MAX_SEEN) this.#options.seen.shift();
  }
}

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

function seenOf(
  request: IncomingMessage,
  { url, route, body }: { url: URL; route: Route; body: Json | undefined },
): SeenRequest {
  const { method = 'GET', headers } = request;
  const { resource, namespace, name, subresource } = route;
  const watching = ['true', '1'].includes(url.searchParams.get('watch') ?? '');
  const reading = name !== undefined ? 'get' : watching ? 'watch' : 'list';
  const verb = method === 'GET' ? reading : VERBS[method];
  const collection = name === undefined && verb !== 'list' && verb !== 'watch' && verb !== 'create';
  if (verb === undefined || collection || (verb === 'create' && name !== undefined)) {
    throw new StatusError(405, 'MethodNotAllowed', {
      message: 'the server does not allow this method on the requested resource',
    });
  }
  return {
    method,
    path: url.pathname,
    verb,
    query: url.searchParams,
    group: resource.group,
    plural: resource.plural,
    namespace,
    name,
    subresource,
    contentType: (headers['content-type'] ?? '').split(';')[0]!,
    accept: headers.accept ?? '',
    token: /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1],
    body,
  };
}

function forbidden({ verb, plural, group, namespace, subresource }: SeenRequest): StatusError {
  const what = subresource ? `${plural}/${subresource}` : plural;
  const where = namespace ? ` in the namespace ${JSON.stringify(namespace)}` : ' at the cluster scope';
  const message = `${plural} is forbidden: User cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)}${where}`;
  return new StatusError(403, 'Forbidden', { message });
}

function rendererOf(accept: string): (object: KubeObject) => object {
  if (!/as=PartialObjectMetadata(List)?\b/.test(accept)) return (object) => object;
  return ({ metadata }) => ({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) {
    const message = `Request entity too large: limit is ${MAX_BODY_BYTES}`;
    throw new StatusError(413, 'RequestEntityTooLarge', { message });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw badRequest(`the body is not JSON: ${(error as Error).message}`);
  }
}

const internal = (error: Error): StatusError['status'] =>
  new StatusError(500, 'InternalError', { message: error.stack ?? error.message }).status;

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
