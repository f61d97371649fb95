/**
 * What a thousand proxies of one process hold is mostly equal: parsed by each as a proxy does, kept once. Else the memory
 * of the machine would be what is measured.
 */
import type { Service } from '../../core/proxyConfig/index.ts';
import { PART_NAMES } from '../../core/proxyConfig/parts.ts';
import type { CoreOptions } from '../../proxy/config/core.ts';
import type { HeldDocument } from '../../proxy/config/documents.ts';
import { CompactDirectory } from '../../proxy/outbound/directory.ts';

/** Values by their hash; those that nobody asked for the longest are forgotten. */
class Known<V extends object> {
  readonly #most: number;
  readonly #values = new Map<string, V>();

  constructor(most: number) {
    this.#most = most;
  }

  of(hash: string, value: V): V {
    const known = this.#values.get(hash) ?? value;
    this.#values.delete(hash);
    this.#values.set(hash, known);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!);
    return known;
  }
}

export function sharing(): NonNullable<CoreOptions['share']> {
  const directories = new Known<CompactDirectory>(64);
  const documents = new Known<HeldDocument>(4000);
  const services = new Known<Service>(8000);
  const parts = new Known<object>(4000);
  const document = (held: HeldDocument): HeldDocument => {
    const values = { ...held.values } as Record<string, unknown>;
    for (const name of PART_NAMES) {
      const part = values[name];
      if (typeof part === 'object' && part !== null) values[name] = parts.of(held.hashes[name], part);
    }
    const own = Array.from(
      held.services,
      ([key, service]) => [key, services.of(service.hash, service)] as const,
    );
    return documents.of(held.position.hash, {
      ...held,
      values: values as unknown as HeldDocument['values'],
      services: new Map(own),
    });
  };
  return <T extends HeldDocument | CompactDirectory>(value: T): T =>
    (value instanceof CompactDirectory ? directories.of(value.hash, value) : document(value)) as T;
}
