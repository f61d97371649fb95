import { refusalError, type ApiError } from './apiError.ts';
import type { KubeObject } from './resource.ts';

export type WatchEvent<T> =
  | { type: 'Put'; object: T }
  | { type: 'Remove'; object: T }
  | { type: 'Bookmark'; resourceVersion: string }
  /** The server ended the watch and says why. */
  | { type: 'Failed'; error: ApiError }
  /** Something was lost: only a new list helps. */
  | { type: 'Malformed'; message: string };

/** Reads one line of a watch. Never throws: a line that cannot be read is Malformed. */
export function parseWatchLine<T extends KubeObject>(line: string, request: string): WatchEvent<T> {
  let event: { type?: unknown; object?: unknown } | null;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    return { type: 'Malformed', message: (cause as Error).message };
  }
  const object = event?.object as (T & { code?: number }) | undefined | null;
  if (typeof object !== 'object' || object === null) return { type: 'Malformed', message: 'no object' };
  if (event?.type === 'ERROR') {
    return { type: 'Failed', error: refusalError({ request, status: object.code ?? 500, body: object }) };
  }
  const { name, resourceVersion } = object.metadata ?? {};
  if (!resourceVersion) return { type: 'Malformed', message: 'no metadata.resourceVersion' };
  if (event?.type === 'BOOKMARK') return { type: 'Bookmark', resourceVersion };
  if (!name) return { type: 'Malformed', message: 'no metadata.name' };
  if (event?.type === 'ADDED' || event?.type === 'MODIFIED') return { type: 'Put', object };
  if (event?.type === 'DELETED') return { type: 'Remove', object };
  return { type: 'Malformed', message: `unknown type ${JSON.stringify(event?.type)}` };
}
