/** Values of a document → its parts. */
import type { Part } from './compiled.ts';
import { canonicalJson, type Hash, type Service } from '../proxyConfig/index.ts';

/** A part that is hashed as it is: all but services. */
export function partOf(value: unknown, hash: Hash): Part {
  const text = canonicalJson(value);
  return { hash: hash(text), text };
}

type ServiceContent = Omit<Service, 'hash'>;

/** The text of a service with its hash; `hash` stands where the order of keys wants it, between the first two. */
function withHash(content: string, addresses: string, hash: Hash): Part {
  const own = hash(content);
  const head = `{"addresses":${addresses}`;
  return { hash: own, text: `${head},"hash":${JSON.stringify(own)}${content.slice(head.length)}` };
}

/** The part of a service, its hash in it. */
export const servicePart = (content: ServiceContent, hash: Hash): Part =>
  withHash(canonicalJson(content), canonicalJson(content.addresses), hash);

/** The same service by other names. Made of the text: its endpoints are most of it, and the same. */
export function renamed(
  { text, hash: own }: Part,
  { addresses, hosts, to }: { addresses: readonly string[]; hosts: readonly string[]; to: readonly string[] },
  hash: Hash,
): Part {
  const list = canonicalJson(addresses);
  const before = `{"addresses":${list},"hash":${JSON.stringify(own)},"hosts":${canonicalJson(hosts)}`;
  return withHash(
    `{"addresses":${list},"hosts":${canonicalJson(to)}${text.slice(before.length)}`,
    list,
    hash,
  );
}

/** The last value where it says the same: whoever holds it sees that nothing changed. */
export const keep = (last: Part | undefined, next: Part): Part => (last?.hash === next.hash ? last : next);
