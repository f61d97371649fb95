import { MAX_USED } from '../../core/control/index.ts';
import type { DocumentStamp } from './types.ts';

/** Beyond it an epoch was given by no operator. */
export const MAX_EPOCH = 1_000_000;

/** Operators raise an epoch by one, or to one more than that of proxies whose cluster was restored: never by more. */
export const EPOCH_LEAD = 100;

/** False where the epoch comes too far after what was `known` before to be an operator's. */
export const isPlausible = (epoch: number, known: number): boolean => epoch <= known + EPOCH_LEAD;

/** Reads the annotation; undefined where it is missing or is not what we write. */
export function readStamp(text: string | undefined): DocumentStamp | undefined {
  if (text === undefined) return undefined;
  let value: Partial<Record<keyof DocumentStamp, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const { epoch, revision, hash, textHash, shape, used } = value ?? {};
  const sound =
    Number.isInteger(epoch) &&
    (epoch as number) >= 1 &&
    (epoch as number) <= MAX_EPOCH &&
    typeof revision === 'string' &&
    /^[0-9]{1,24}$/.test(revision) &&
    typeof hash === 'string' &&
    typeof textHash === 'string';
  if (!sound) return undefined;
  return {
    epoch: epoch as number,
    revision,
    hash,
    textHash,
    ...(typeof shape === 'string' ? { shape } : {}),
    ...(areServices(used) ? { used } : {}),
  };
}

const areServices = (used: unknown): used is string[] =>
  Array.isArray(used) &&
  used.length <= MAX_USED &&
  used.every(
    (service) => typeof service === 'string' && service.length <= 320 && /^[^/]+\/[^/]+$/.test(service),
  );
