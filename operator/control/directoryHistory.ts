/**
 * What changed in the directories of namespaces, for as long as a proxy may be behind: one that knows an earlier
 * directory gets what differs, any other gets the whole. Namespaces that see the same share what is remembered.
 */
import type { CompiledDirectory, Part } from '../../core/compile/index.ts';
import { changedNames, type DirectoryChange } from './compose.ts';

/** Changes that are remembered for a namespace. */
export const MAX_STEPS = 64;
const MAX_SHARED = 256;
/** A change of more entries than this is no change, but another directory. */
const MAX_NAMES = 10_000;

interface Step {
  readonly from: string;
  /** There are services or addresses that were not there before. */
  readonly adds: boolean;
  readonly services: readonly string[];
  /** Undefined: one of the two does not list what is outside. */
  readonly outside: readonly string[] | undefined;
}

interface Line {
  current: CompiledDirectory;
  /** The last one led to what is current. */
  readonly steps: Step[];
}

const addressesOf = ({ text }: Part): readonly string[] =>
  (JSON.parse(text) as { addresses?: readonly string[] }).addresses ?? [];

/** Whether a proxy that knows only the first would take some address of the second for none of the mesh. */
function isAddition(before: Part | undefined, after: Part | undefined): boolean {
  if (!before || !after) return after !== undefined;
  const known = new Set(addressesOf(before));
  return addressesOf(after).some((address) => !known.has(address));
}

function stepBetween(from: CompiledDirectory, to: CompiledDirectory): Step {
  const services = [...changedNames(from.services, to.services)];
  return {
    from: from.hash,
    adds: services.some((name) => isAddition(from.services.get(name), to.services.get(name))),
    services,
    outside: from.outside && to.outside && [...changedNames(from.outside, to.outside)],
  };
}

export class DirectoryHistory {
  readonly #lines = new Map<string, Line>();
  readonly #shared = new Map<string, Step | undefined>();

  /** The directory of the namespace is this one now. */
  observe(namespace: string, current: CompiledDirectory): void {
    const known = this.#lines.get(namespace);
    if (!known) {
      this.#lines.set(namespace, { current, steps: [] });
    } else if (known.current.hash !== current.hash) {
      const step = this.#step(known.current, current);
      if (step) known.steps.push(step);
      else known.steps.length = 0;
      if (known.steps.length > MAX_STEPS) known.steps.shift();
      known.current = current;
    }
  }

  forget(namespace: string): void {
    this.#lines.delete(namespace);
  }

  /** Whether there is more now than in the directory with the hash `base`; also where that is not known. */
  adds(namespace: string, base: string): boolean {
    const { steps = [] } = this.#lines.get(namespace) ?? {};
    const first = steps.findLastIndex(({ from }) => from === base);
    return first === -1 || steps.slice(first).some(({ adds }) => adds);
  }

  /** What is other now than in the directory with the hash `base`; undefined where that is not known. */
  since(namespace: string, base: string): DirectoryChange | undefined {
    const { current, steps = [] } = this.#lines.get(namespace) ?? {};
    const first = steps.findLastIndex(({ from }) => from === base);
    if (!current || first === -1) return undefined;
    const services = new Set<string>();
    const outside = new Set<string>();
    let listed = true;
    for (const step of steps.slice(first)) {
      for (const name of step.services) services.add(name);
      for (const name of step.outside ?? []) outside.add(name);
      listed &&= step.outside !== undefined;
      if (services.size + outside.size > MAX_NAMES) return undefined;
    }
    // what came to be listed on the way is not known to the proxy at all
    return !listed && current.outside ? undefined : { base, services, outside };
  }

  /** Undefined where it is another directory. */
  #step(from: CompiledDirectory, to: CompiledDirectory): Step | undefined {
    const key = `${from.hash} ${to.hash}`;
    if (this.#shared.has(key)) return this.#shared.get(key);
    const step = stepBetween(from, to);
    const made = step.services.length + (step.outside?.length ?? 0) > MAX_NAMES ? undefined : step;
    this.#shared.set(key, made);
    const [oldest] = this.#shared.keys();
    if (this.#shared.size > MAX_SHARED && oldest !== undefined) this.#shared.delete(oldest);
    return made;
  }
}
