/** Issuing of certificates. Costs a second library; who only verifies imports certs/verify. */
export * from './authority.ts';
export * from './bundle.ts';
export * from './leaf.ts';
export * from './policy.ts';
export * from './schedule.ts';
export * from './signingRequest.ts';
export type { RandomBytes } from './x509.ts';
