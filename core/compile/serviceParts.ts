/** All services of the mesh and around it, compiled. */
import type { Hash } from '../proxyConfig/index.ts';
import type { MeshIndex } from './meshIndex.ts';
import type { LabelledPolicy } from './policyBook.ts';
import { compileService, type CompiledService, type ServiceResult } from './service.ts';

export interface ServiceChange {
  readonly before: CompiledService | undefined;
  readonly after: CompiledService | undefined;
}

export class ServiceParts {
  readonly #hash: Hash;
  readonly #known = new Map<string, ServiceResult>();

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  get(key: string): CompiledService | undefined {
    return this.#known.get(key)?.service;
  }

  keys(): IterableIterator<string> {
    return this.#known.keys();
  }

  /** All policies that decided of what is here. */
  *consulted(): Generator<readonly [string, ReadonlySet<LabelledPolicy>]> {
    for (const [key, { consulted }] of this.#known) yield [key, consulted];
  }

  /** Looks at these services again, by `namespace/name`. Returns those that are another value now, or gone. */
  compile(keys: Iterable<string>, mesh: MeshIndex): Map<string, ServiceChange> {
    const changed = new Map<string, ServiceChange>();
    for (const key of keys) {
      const before = this.get(key);
      const slash = key.indexOf('/');
      const model = mesh.services.get(key.slice(0, slash))?.get(key.slice(slash + 1));
      const result = model && compileService(model, { mesh, hash: this.#hash, last: before });
      if (result) this.#known.set(key, result);
      else this.#known.delete(key);
      if (result?.service !== before) changed.set(key, { before, after: result?.service });
    }
    return changed;
  }
}
