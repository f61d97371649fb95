/** The authorities of a mesh without a cluster: one file that only its user can read, made at the first start. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  createIntermediate,
  createRoot,
  createServingAuthority,
  renewalTime,
  type Source,
} from '../../certs/issue/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import type { AuthoritySource } from '../controllers/authority.ts';
import {
  dataOf,
  readAuthority,
  stateOf,
  type AuthorityParts,
  type AuthorityState,
  type SecretData,
} from '../controllers/authoritySecret.ts';
import { replaceFile } from '../sinks/mounted.ts';

export interface FileAuthorityOptions {
  /** Holds what the Secret of a cluster holds, keys included. */
  readonly path: string;
  readonly trustDomain: string;
  readonly source: () => Source;
  readonly intermediateLifetimeMs: () => number;
}

export class FileAuthority implements AuthoritySource {
  readonly #options: FileAuthorityOptions;
  readonly #listeners = new Set<(state: AuthorityState) => void>();
  #state: AuthorityState | undefined;

  constructor(options: FileAuthorityOptions) {
    this.#options = options;
  }

  get current(): AuthorityState | undefined {
    return this.#state;
  }

  subscribe(listener: (state: AuthorityState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the file or makes it. Rejects with AUTHORITY_INVALID where it is there and damaged: it is never overwritten. */
  async start(): Promise<void> {
    const text = await readFile(this.#options.path, 'utf8').catch(() => undefined);
    const now = this.#options.source().now;
    if (text === undefined) {
      await this.#take(await this.#new());
      return;
    }
    const parts = readAuthority(this.#parse(text), now);
    if (!parts.ok) throw parts.error;
    await this.#take(parts.value);
    await this.renew();
  }

  /** Replaces the intermediate where half of its life is over. */
  async renew(): Promise<void> {
    const state = this.#state;
    const source = this.#options.source();
    if (!state?.root || renewalTime(state.intermediate.certificate) > source.now) return;
    await this.#take({ ...state, intermediate: await this.#intermediate(state.root) });
  }

  #parse(text: string): SecretData {
    try {
      return JSON.parse(text) as SecretData;
    } catch (cause) {
      throw new WeftError('AUTHORITY_INVALID', 'is not JSON', { resource: this.#options.path, cause });
    }
  }

  async #new(): Promise<AuthorityParts> {
    const { trustDomain, source } = this.#options;
    const root = await createRoot(source(), trustDomain);
    const signer = await createServingAuthority(source(), ['localhost']);
    const serving = { signer, certificates: [signer.certificate], bundle: String(signer.certificate) };
    return { roots: [root.certificate], root, intermediate: await this.#intermediate(root), serving };
  }

  #intermediate(root: NonNullable<AuthorityParts['root']>): ReturnType<typeof createIntermediate> {
    const { trustDomain, source, intermediateLifetimeMs } = this.#options;
    return createIntermediate(source(), { trustDomain, root, lifetimeMs: intermediateLifetimeMs() });
  }

  async #take(parts: AuthorityParts): Promise<void> {
    await mkdir(dirname(this.#options.path), { recursive: true, mode: 0o700 });
    await replaceFile(this.#options.path, JSON.stringify(dataOf(parts)));
    const state = stateOf(parts, this.#options.source().now);
    if (!state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
