/** What this network namespace has of IPv6, and the address from which the inbound proxy dials the application. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';

export interface Ipv6State {
  /** The kernel has IPv6. */
  present: boolean;
  /** The pod has an address that others can reach. */
  reachable: boolean;
  /** `::6` is on the loopback interface. */
  hasSource: boolean;
}

const SOURCE = '00000000000000000000000000000006';

/** Reads the form of /proc/net/if_inet6: address, index, prefix length, scope, flags, device. Scope 20 is link-local. */
export function parseIpv6State(table: string | undefined): Ipv6State {
  if (table === undefined) return { present: false, reachable: false, hasSource: false };
  const rows = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row.length === 6);
  return {
    present: true,
    reachable: rows.some(([, , , scope, , device]) => device !== 'lo' && scope !== '20'),
    hasSource: rows.some(([address, , , , , device]) => device === 'lo' && address === SOURCE),
  };
}

export function ipv6State(): Ipv6State {
  try {
    return parseIpv6State(readFileSync('/proc/net/if_inet6', 'utf8'));
  } catch {
    return parseIpv6State(undefined);
  }
}

const AF_INET6 = 10;
const SOCK_DGRAM = 2;
/** linux/sockios.h */
const SIOCSIFADDR = 0x8916;

/**
 * Puts `::6/128` on the loopback interface (struct in6_ifreq: address, prefix length, interface). By the system call,
 * since the image needs no iproute2 for anything else. Throws where the kernel refuses.
 */
export function addSource(): void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof koffiModule;
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const ioctl = libc.func('int ioctl(int fd, unsigned long request, uint8_t *argument)');
  const close = libc.func('int close(int fd)');
  const request = Buffer.alloc(24);
  request[15] = 6;
  request.writeUInt32LE(128, 16);
  request.writeInt32LE(Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8')), 20);
  const fd = socket(AF_INET6, SOCK_DGRAM, 0) as number;
  if (fd < 0) throw new Error(`no IPv6 socket: errno ${koffi.errno()}`);
  try {
    if (ioctl(fd, SIOCSIFADDR, request) !== 0) {
      const errno = koffi.errno();
      if (errno !== koffi.os.errno['EEXIST']) throw new Error(`::6 cannot be put on lo: errno ${errno}`);
    }
  } finally {
    close(fd);
  }
}
