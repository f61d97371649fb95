/** Where one connection of the application leads, by the configuration in force. */
import type { ConfigState } from '../context.ts';
import { goneDestination, type Destination } from './destination.ts';

export type Find = (config: ConfigState) => Destination;

/**
 * For one connection, by the address that it was opened to. Once that was of the mesh, it is never taken for the outside:
 * what has left the configuration may still run there, and would be reached in plain text.
 */
export function findAt(host: string, port: number): Find {
  let known: Destination | undefined;
  return ({ destinations }) => {
    const found = destinations.resolve(host, port);
    const isForeign = found.kind === 'outside' || found.kind === 'blocked';
    if (isForeign) return known ? goneDestination(known) : found;
    known = found;
    return found;
  };
}
