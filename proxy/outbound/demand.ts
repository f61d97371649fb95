import type { DataPlane } from '../context.ts';
import type { Destination } from './destinations.ts';

/**
 * Asks for the service that is meant, where only the directory knows it. Undefined: go on as it is. Resolves when
 * looking again may find more. An address can be of the directory alone though the document holds its service: one says
 * a moment later than the other what is there. Nobody has more to say of it.
 */
export function whenKnown(
  { config, demand }: Pick<DataPlane, 'config' | 'demand'>,
  destination: Destination | undefined,
): Promise<void> | undefined {
  const asked = destination?.kind === 'directory' ? destination.service : undefined;
  if (asked === undefined || config.current?.services.has(asked)) return undefined;
  return demand?.want(asked);
}
