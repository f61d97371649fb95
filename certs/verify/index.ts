/** Verification of identities, by node:crypto alone: the proxy uses it, and start-up time is paid by every pod. */
export * from './chain.ts';
export { permitsNames, type AskedName } from './constraints.ts';
export * from './fields.ts';
export * from './identity.ts';
export * from './identityFiles.ts';
export * from './pem.ts';
export * from './spiffe.ts';
