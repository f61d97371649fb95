import type { DataPlane } from '../context.ts';
import type { Destination } from './destinations.ts';

/**
 * Asks for the service that is meant, where only the directory knows it. Undefined: go on as it is. Resolves when
 * looking again may find more.
 */
export function whenKnown(
  { demand }: DataPlane,
  destination: Destination | undefined,
): Promise<void> | undefined {
  const asked = destination?.kind === 'directory' ? destination.service : undefined;
  return asked === undefined ? undefined : demand?.want(asked);
}
