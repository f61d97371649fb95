/** Where a redirected connection was meant to go (netfilter's SO_ORIGINAL_DST), asked of the kernel. */
import type { Socket } from 'node:net';
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import type { Address } from '../context.ts';
import { normalizeAddress } from './address.ts';

const SOL_IP = 0;
const SOL_IPV6 = 41;
/** The same number for IPv4 and IPv6. */
const ORIGINAL_DST = 80;

type GetSockOpt = (
  fd: number,
  level: number,
  ...rest: [option: number, value: Buffer, length: Uint32Array]
) => number;

let getsockopt: GetSockOpt | undefined;

/**
 * Makes ready to ask. A process without redirection needs no native code and does not call this; one with it must not
 * find out at its first connection that the code is missing. Throws what loading throws.
 */
export function prepareOriginalDestination(): void {
  load();
}

function load(): GetSockOpt {
  if (getsockopt) return getsockopt;
  const koffi = createRequire(import.meta.url)('koffi') as typeof koffiModule;
  getsockopt = koffi
    .load(null)
    .func(
      'int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
    ) as GetSockOpt;
  return getsockopt;
}

/**
 * The address that the client dialled, or undefined where the connection was not redirected. `socket` was accepted
 * and has not been read from.
 */
export function originalDestination(socket: Socket): Address | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  const ask = load();
  const value = Buffer.alloc(28);
  const length = new Uint32Array([value.length]);
  // an IPv4 client of a dual-stack listener is asked for as IPv4
  const mapped = normalizeAddress(socket.localAddress ?? '').includes('.');
  if (ask(fd, mapped ? SOL_IP : SOL_IPV6, ORIGINAL_DST, value, length) !== 0) return undefined;
  const port = value.readUInt16BE(2);
  if (mapped) return { host: value.subarray(4, 8).join('.'), port };
  const groups = Array.from({ length: 8 }, (_, index) => value.readUInt16BE(8 + index * 2).toString(16));
  return { host: normalizeAddress(groups.join(':')), port };
}
