import type { ServerResponse } from 'node:http';
import type { KubeObject, Resource } from '../resource.ts';
import { expired } from './status.ts';
import { resourceId, type Storage, type StoredEvent } from './storage.ts';

export interface WatchRequest {
  resource: Resource;
  matches: (object: KubeObject) => boolean;
  /** What the client sees of an object. */
  render: (object: KubeObject) => object;
  resourceVersion: string;
  bookmarks: boolean;
  timeoutSeconds: number | undefined;
  response: ServerResponse;
}

interface OpenWatch extends WatchRequest {
  /** Lines kept back while stalled. */
  kept: string[];
  stalled: boolean;
}

type Line = { type: string; object: object };

/** The open watches of the double, and what can happen to them. `plural` limits an action to one kind. */
export class Watches {
  readonly #storage: Storage;
  readonly #open = new Set<OpenWatch>();

  constructor(storage: Storage) {
    this.#storage = storage;
    storage.listeners.add((event) => {
      for (const watch of this.#open) deliver(watch, event);
    });
  }

  /** How many are open. */
  count(plural?: string): number {
    return this.#of(plural).length;
  }

  /** Breaks the connections. */
  drop(plural?: string): void {
    for (const watch of this.#of(plural)) {
      this.#open.delete(watch);
      watch.response.socket?.destroy();
    }
  }

  /** Ends the answers in order, as at their time-out. */
  end(plural?: string): void {
    for (const watch of this.#of(plural)) this.#finish(watch);
  }

  bookmark(plural?: string): void {
    for (const watch of this.#of(plural))
      if (watch.bookmarks) write(watch, bookmarkOf(watch, this.#storage.revision));
  }

  /** An ERROR event 410 Expired, after which the watch ends. */
  expire(plural?: string): void {
    for (const watch of this.#of(plural)) {
      write(watch, { type: 'ERROR', object: expired('old', this.#storage.revision).status });
      this.#finish(watch);
    }
  }

  /** A line as it is, such as half of an event. */
  garbage(line = '{"type":"ADDED","object":{"meta', plural?: string): void {
    for (const watch of this.#of(plural)) watch.response.write(`${line}\n`);
  }

  /** Connections stay open and nothing comes through any more, as behind a NAT that forgot them. */
  stall(plural?: string): void {
    for (const watch of this.#of(plural)) watch.stalled = true;
  }

  /** What was kept back comes through. */
  resume(plural?: string): void {
    for (const watch of this.#of(plural)) {
      watch.stalled = false;
      for (const line of watch.kept.splice(0)) watch.response.write(line);
    }
  }

  /** Begins to answer a watch. */
  serve(request: WatchRequest): void {
    const { response, resourceVersion, resource, matches, timeoutSeconds } = request;
    const watch: OpenWatch = { ...request, kept: [], stalled: false };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const from = Number(resourceVersion || 0);
    if (from > 0 && from < this.#storage.floor) {
      write(watch, { type: 'ERROR', object: expired(resourceVersion, this.#storage.floor).status });
      response.end();
      return;
    }
    if (from === 0) {
      for (const object of this.#storage.list(resource).filter(matches)) {
        write(watch, { type: 'ADDED', object: watch.render(object) });
      }
    } else {
      for (const event of this.#storage.history) if (event.revision > from) deliver(watch, event);
    }
    this.#open.add(watch);
    const timer =
      timeoutSeconds === undefined
        ? undefined
        : setTimeout(() => this.#timeOut(watch), timeoutSeconds * 1000);
    response.on('close', () => {
      clearTimeout(timer);
      this.#open.delete(watch);
    });
  }

  /** The real server sends a last bookmark, so that the next watch does not begin with known events. */
  #timeOut(watch: OpenWatch): void {
    if (watch.bookmarks) write(watch, bookmarkOf(watch, this.#storage.revision));
    this.#finish(watch);
  }

  /** Nothing may be written to it from now on; that the connection closes is learnt only later. */
  #finish(watch: OpenWatch): void {
    this.#open.delete(watch);
    watch.response.end();
  }

  #of(plural: string | undefined): OpenWatch[] {
    return [...this.#open].filter(({ resource }) => plural === undefined || resource.plural === plural);
  }
}

const bookmarkOf = ({ resource }: OpenWatch, revision: number): Line => ({
  type: 'BOOKMARK',
  object: {
    kind: resource.kind,
    apiVersion: resource.group ? `${resource.group}/${resource.version}` : resource.version,
    metadata: { resourceVersion: String(revision), creationTimestamp: null },
  },
});

/** An object that begins or ceases to match is added or deleted for this client. */
function deliver(watch: OpenWatch, { type, id, object, previous }: StoredEvent): void {
  if (id !== resourceId(watch.resource)) return;
  const now = type !== 'DELETED' && watch.matches(object);
  const before = previous !== undefined && watch.matches(previous);
  if (!now && !before) return;
  const seen = now ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED';
  write(watch, { type: seen, object: watch.render(object) });
}

function write(watch: OpenWatch, line: Line): void {
  const text = `${JSON.stringify(line)}\n`;
  if (watch.stalled) watch.kept.push(text);
  else watch.response.write(text);
}
