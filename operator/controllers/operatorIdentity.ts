/**
 * The operator's own identity, for port 15010: a leaf in memory, `spiffe://<trust domain>/ns/<system>/sa/weft-operator`.
 * Every replica has its own.
 *
 *   const own = new OperatorIdentity({clock, log, randomBytes, authority, trustDomain, namespace, leafLifetimeMs})
 *   own.subscribe((files) => server.setIdentity(files))   after each renewal, and when the trust bundle changed
 *   own.start()                                            once; `current` is undefined until there is an authority
 *   own.stop()
 */
import { issueLeaf } from '../../certs/issue/index.ts';
import { spiffeId } from '../../core/model/index.ts';
import { OPERATOR_SERVICE_ACCOUNT } from '../../core/model/names.ts';
import type { AuthoritySource, AuthorityState } from './authority.ts';
import { sourceOf, until, type CertificateContext } from './certificateContext.ts';

/** PEM: chain, PKCS#8 key, trust bundle. */
export interface OwnIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly spiffeId: string;
  readonly notAfter: Date;
}

export interface OperatorIdentityOptions extends Omit<CertificateContext, 'client'> {
  readonly authority: AuthoritySource;
  readonly trustDomain: string;
  /** The system namespace. */
  readonly namespace: string;
  readonly leafLifetimeMs: () => number;
}

const RETRY_MS = 5_000;

export class OperatorIdentity {
  readonly #options: OperatorIdentityOptions;
  readonly #listeners = new Set<(identity: OwnIdentity) => void>();
  #current: OwnIdentity | undefined;
  #unsubscribe = (): void => undefined;
  #cancel = (): void => undefined;
  /** Counts renewals that were begun: only the last may take effect. */
  #turn = 0;

  constructor(options: OperatorIdentityOptions) {
    this.#options = options;
  }

  get current(): OwnIdentity | undefined {
    return this.#current;
  }

  subscribe(listener: (identity: OwnIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    const { authority } = this.#options;
    // Any change: a leaf of a new intermediate is as good as the old one, and a change of roots must not wait.
    this.#unsubscribe = authority.subscribe((state) => void this.#renew(state));
    if (authority.current) void this.#renew(authority.current);
  }

  stop(): void {
    this.#turn += 1;
    this.#unsubscribe();
    this.#cancel();
  }

  async #renew(state: AuthorityState): Promise<void> {
    const turn = ++this.#turn;
    const { clock, log, trustDomain, namespace, leafLifetimeMs } = this.#options;
    this.#cancel();
    let waitMs = RETRY_MS;
    try {
      const id = spiffeId(trustDomain, namespace, OPERATOR_SERVICE_ACCOUNT);
      const leaf = await issueLeaf(sourceOf(this.#options), {
        issuer: state.intermediate,
        spiffeId: id,
        lifetimeMs: leafLifetimeMs(),
      });
      if (turn !== this.#turn) return;
      if (leaf.notAfter.getTime() <= clock.now()) throw new Error('the intermediate has ended');
      this.#announce({
        cert: leaf.certificatePem,
        key: leaf.keyPem,
        ca: state.bundle,
        spiffeId: id,
        notAfter: leaf.notAfter,
      });
      waitMs = until(leaf.renewAt, this.#options, RETRY_MS);
    } catch (error) {
      log.error({ err: error }, "cannot renew the operator's own identity; the old one stays");
      if (turn !== this.#turn) return;
    }
    this.#cancel = clock.after(waitMs, () => void this.#renew(this.#options.authority.current ?? state));
  }

  #announce(identity: OwnIdentity): void {
    this.#current = identity;
    for (const listener of this.#listeners) listener(identity);
  }
}
