/**
 * Snapshot → documents, and who needs them. Nothing else decides what a proxy does.
 *
 *   workloadsOf ──► compileWorkload ──► sections (policyBook ── inbound ── rules) + services (service ── protocol)
 *                   compileDirectory ─► services of the mesh
 */
export type * from './compiled.ts';
export { compileDirectory, compileWorkload, type CompileTools } from './document.ts';
export { modeOf } from './inbound.ts';
export { protocolOf } from './protocol.ts';
export { identitiesOf, selectedPods, workloadsOf } from './workloads.ts';
