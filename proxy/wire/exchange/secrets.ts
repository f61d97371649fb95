/** Fields whose values are never kept beyond their message, for comparison or anything else. */
const SECRETS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
  'x-csrf-token',
  'x-forwarded-client-cert',
]);

/** `name` in lower case. */
export const isSecret = (name: string): boolean => SECRETS.has(name);
