import type { Kind } from './common.ts';
import { meshConfigKind } from './meshConfig.ts';
import { meshPolicyKind } from './meshPolicy.ts';

/** Every kind of the group, in the order in which documentation lists them. */
export const kinds: Kind[] = [meshPolicyKind, meshConfigKind];
