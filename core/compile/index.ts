/**
 * Snapshot → documents, and who needs them. Nothing else decides what a proxy does.
 *
 *   Compiler ──► policyParts (sections ── policyBook ── inbound ── rules) + serviceParts (endpoints, entries ── protocol)
 */
export type * from './compiled.ts';
export { Compiler } from './compiler.ts';
export { modeOf } from './inbound.ts';
export { protocolOf } from './protocol.ts';
export { configText, directoryText, type DocumentPosition } from './texts.ts';
export { identitiesOf } from './identities.ts';
