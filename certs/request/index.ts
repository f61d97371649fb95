/** Keys and signing requests, by node:crypto alone. */
export * from './keys.ts';
export * from './signingRequest.ts';
