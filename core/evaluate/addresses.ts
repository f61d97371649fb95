/**
 * IP addresses as four 32-bit words. IPv4 is held in its IPv6-mapped form (RFC 4291, section 2.5.5.2), so that
 * `::ffff:10.0.0.1` (what a dual-stack socket shows) and `10.0.0.1` are one and the same.
 */
export interface IpAddress {
  readonly words: readonly [number, number, number, number];
  readonly v4: boolean;
}

export interface IpBlock {
  readonly address: IpAddress;
  /** Leading bits that must be equal, counted in the IPv6 form: 0 to 128. */
  readonly bits: number;
}

/** Four decimal octets without leading zeros (some readers take those for octal), or undefined. */
function parseV4(text: string): number | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return value;
}

/** The 16-bit groups of a part of an IPv6 address; a trailing dotted quad counts as two. */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.') && i === parts.length - 1) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Math.floor(v4 / 65536), v4 % 65536);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function parseV6(text: string): IpAddress | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const word = (i: number) => (groups[2 * i]! * 65536 + groups[2 * i + 1]!) >>> 0;
  const words = [word(0), word(1), word(2), word(3)] as const;
  return { words: [...words], v4: words[0] === 0 && words[1] === 0 && words[2] === 0xffff };
}

/** Reads an IPv4 or IPv6 address, with or without a zone (`fe80::1%eth0`). Undefined for anything else. */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.length > 64) return undefined;
  const zone = text.indexOf('%');
  const bare = zone === -1 ? text : text.slice(0, zone);
  if (bare.includes(':')) return parseV6(bare);
  const v4 = parseV4(bare);
  return v4 === undefined ? undefined : { words: [0, 0, 0xffff, v4], v4: true };
}

/** Reads `address` or `address/bits`. Undefined for anything else. */
export function parseBlock(text: string): IpBlock | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (!address || text.includes('%')) return undefined;
  if (slash === -1) return { address, bits: 128 };
  const suffix = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(suffix)) return undefined;
  const dotted = !text.includes(':');
  const bits = Number(suffix) + (dotted ? 96 : 0);
  if (bits > 128) return undefined;
  // a mapped block that is wider than the mapped range holds IPv6 addresses, not IPv4 ones
  const v4 = address.v4 && bits >= 96;
  return { address: { words: address.words, v4 }, bits };
}

/** True when the address lies in the block. Blocks of one family never hold addresses of the other. */
export function inBlock(block: IpBlock, address: IpAddress): boolean {
  if (block.address.v4 !== address.v4) return false;
  let bits = block.bits;
  for (let i = 0; i < 4 && bits > 0; i++, bits -= 32) {
    const difference = (block.address.words[i]! ^ address.words[i]!) >>> 0;
    if (bits >= 32 ? difference !== 0 : difference >>> (32 - bits) !== 0) return false;
  }
  return true;
}
