/** Text forms of addresses, so that one address is always one key. */

/** `[::ffff:10.0.0.1]` and upper-case or long IPv6 forms in the form that the kernel prints. */
export function normalizeAddress(address: string): string {
  if (!address.includes(':')) return address;
  const bare = address.startsWith('[') ? address.slice(1, -1) : address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped) return mapped[1]!;
  const zone = bare.indexOf('%');
  const plain = zone < 0 ? bare : bare.slice(0, zone);
  // the WHATWG parser compresses IPv6 addresses as RFC 5952 says
  return URL.canParse(`http://[${plain}]`) ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}

/** `address:port` with brackets around IPv6. */
export const joinHostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Splits a Host header or authority; `port` is undefined where there is none or it is not one. */
export function splitHostPort(authority: string): { host: string; port: number | undefined } {
  const colon = authority.lastIndexOf(':');
  if (colon < 0 || authority.endsWith(']')) return { host: authority, port: undefined };
  const digits = authority.slice(colon + 1);
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : 0;
  return { host: authority.slice(0, colon), port: port >= 1 && port <= 65_535 ? port : undefined };
}

/** True for 127.0.0.0/8 and ::1. */
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
