/**
 * The authorities of the mesh, in the Secret `weft-authority` of the system namespace.
 *
 *   new Authority({client, clock, log, randomBytes, namespace, trustDomain, servingNames, intermediateLifetimeMs})
 *     .start()        every replica: resolves once the Secret was looked for; `current` follows it from then on
 *     .lead(signal)   the replica that holds the Lease: creates and renews, until the signal aborts
 *     .subscribe(…)   after each change of `current`
 *     .stop()
 *
 *   the Secret is                      → what is done
 *   absent, nothing in memory          → created with new authorities; on AlreadyExists the other's are used
 *   absent, a good one in memory       → created again with that: a new root would part the mesh in two
 *   good                               → used; missing parts are added
 *   good, intermediate past half life  → intermediate replaced, on condition of the resourceVersion that was read
 *   not readable                       → reported, never overwritten; the last good one stays in use
 * The root is written once and never again.
 */
import {
  createIntermediate,
  createRoot,
  createServingAuthority,
  renewalTime,
  type Authority as Signer,
} from '../../certs/issue/index.ts';
import { permitsNames, type AskedName } from '../../certs/verify/index.ts';
import { AUTHORITY_SECRET, label } from '../../core/model/names.ts';
import {
  isAlreadyExists,
  isConflict,
  Reflector,
  resources,
  WorkQueue,
  type Secret,
} from '../../kube/index.ts';
import {
  dataOf,
  readAuthority,
  stateOf,
  type AuthorityParts,
  type AuthorityState,
  type ServingAuthority,
} from './authoritySecret.ts';
import { jittered, sourceOf, until, type CertificateContext } from './certificateContext.ts';

export type { AuthorityState } from './authoritySecret.ts';

export interface AuthorityOptions extends CertificateContext {
  /** The system namespace. */
  readonly namespace: string;
  readonly trustDomain: string;
  /** DNS names of the webhook (`servingNames` of servingCertificate.ts). */
  readonly servingNames: readonly string[];
  /** Asked each time, so that a change of the configuration holds from the next look. */
  readonly intermediateLifetimeMs: () => number;
}

/** What the controllers that issue need of it. */
export interface AuthoritySource {
  readonly current: AuthorityState | undefined;
  subscribe(listener: (state: AuthorityState) => void): () => void;
}

/** However far away a renewal is, the Secret is looked at this often. */
const LOOK_MS = 10 * 60_000;
/** A Secret that cannot be used is looked at again after this, beside when it changes. */
const INVALID_MS = 60_000;
/** Predecessors that stay in the webhook's bundle. */
const MAX_PREDECESSORS = 3;
const KEY = AUTHORITY_SECRET;

export class Authority implements AuthoritySource {
  readonly #options: AuthorityOptions;
  readonly #reflector: Reflector<Secret>;
  readonly #listeners = new Set<(state: AuthorityState) => void>();
  #queue: WorkQueue | undefined;
  #state: AuthorityState | undefined;
  /** resourceVersion of the Secret that was read last, good or not. */
  #seen = '0';

  constructor(options: AuthorityOptions) {
    this.#options = options;
    const { client, clock, namespace, log } = options;
    this.#reflector = new Reflector<Secret>({
      client,
      clock,
      resource: resources.secrets,
      namespace,
      fieldSelector: `metadata.name=${AUTHORITY_SECRET}`,
      onChange: (change) => {
        if (change.type !== 'Deleted') this.#observe(change.object);
        else if (this.#state)
          log.warn({ secret: this.#name }, 'the authority Secret was deleted; it is written again');
        this.#queue?.add(KEY);
      },
      onError: (error) => log.warn({ err: error, secret: this.#name }, 'cannot watch the authority Secret'),
    });
  }

  /** The last good state; undefined until there is one. */
  get current(): AuthorityState | undefined {
    return this.#state;
  }

  subscribe(listener: (state: AuthorityState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once the Secret was read or found absent. */
  async start(): Promise<void> {
    await this.#reflector.start().synced;
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }

  /** Creates and renews until `signal` aborts; resolves when all work has ended. */
  async lead(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock, log, random } = this.#options;
    const queue = new WorkQueue({
      process: () => this.#reconcile(),
      concurrency: 1,
      clock,
      ...(random ? { random } : {}),
      onError: (_key, error) =>
        log.error({ err: error, secret: this.#name }, 'cannot bring the authority in order'),
    });
    this.#queue = queue;
    queue.add(KEY);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    this.#queue = undefined;
    await queue.shutdown();
  }

  async #reconcile(): Promise<{ requeueAfterMs: number }> {
    const { client, namespace, log, clock } = this.#options;
    const secret = await client.find(resources.secrets, { namespace, name: AUTHORITY_SECRET });
    if (!secret) return this.#create();
    this.#observe(secret);
    const parts = readAuthority(secret.data ?? {}, new Date(clock.now()));
    if (!parts.ok) return { requeueAfterMs: jittered(INVALID_MS, this.#options) };
    const additions = await this.#due(parts.value);
    if (Object.keys(additions).length > 0) {
      const data = { ...secret.data, ...dataOf(additions) };
      try {
        // With the resourceVersion that was read: what another replica did in the meantime is not undone.
        this.#observe(await client.update(resources.secrets, { ...secret, data }));
      } catch (error) {
        if (isConflict(error)) return { requeueAfterMs: 0 };
        throw error;
      }
      log.info({ secret: this.#name, renewed: Object.keys(additions) }, 'authorities were renewed');
    }
    return { requeueAfterMs: this.#nextLookMs({ ...parts.value, ...additions }) };
  }

  async #create(): Promise<{ requeueAfterMs: number }> {
    const { client, namespace, log } = this.#options;
    const known = this.#state;
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: AUTHORITY_SECRET, labels: { [label.managedBy]: 'weft' } },
      type: 'Opaque',
      data: known ? { ...dataOf(known), ...rootsOf(known) } : dataOf(await this.#new()),
    };
    try {
      this.#observe(await client.create(resources.secrets, secret));
      log.info(
        { secret: this.#name },
        known ? 'the authority Secret was written again' : 'authorities were created',
      );
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    return { requeueAfterMs: 0 };
  }

  async #new(): Promise<AuthorityParts> {
    const { trustDomain } = this.#options;
    const root = await createRoot(sourceOf(this.#options), trustDomain);
    const intermediate = await this.#newIntermediate(root);
    return { roots: [root.certificate], root, intermediate, serving: await this.#newServing(undefined) };
  }

  #newIntermediate(root: Signer): Promise<Signer> {
    const { trustDomain, intermediateLifetimeMs } = this.#options;
    return createIntermediate(sourceOf(this.#options), {
      trustDomain,
      root,
      lifetimeMs: intermediateLifetimeMs(),
    });
  }

  async #newServing(before: ServingAuthority | undefined): Promise<ServingAuthority> {
    const signer = await createServingAuthority(sourceOf(this.#options), this.#options.servingNames);
    const certificates = [signer.certificate, ...(before?.certificates ?? [])].slice(0, 1 + MAX_PREDECESSORS);
    return { signer, certificates, bundle: certificates.map(String).join('') };
  }

  /** The parts that are to be made now. */
  async #due({ root, intermediate, serving }: AuthorityParts): Promise<Partial<AuthorityParts>> {
    const { trustDomain, servingNames, intermediateLifetimeMs, log } = this.#options;
    const due: { intermediate?: Signer; serving?: ServingAuthority } = {};
    const identities: AskedName[] = [{ kind: 'uri', value: `spiffe://${trustDomain}` }];
    if (!intermediate || this.#isDue(intermediate, identities, intermediateLifetimeMs())) {
      if (root) due.intermediate = await this.#newIntermediate(root);
      else
        log.warn(
          { secret: this.#name, notAfter: intermediate?.certificate.validTo },
          'the intermediate is due to be renewed, and without root.key that must be done where it comes from',
        );
    }
    const names = servingNames.map((value): AskedName => ({ kind: 'dns', value }));
    if (!serving || this.#isDue(serving.signer, names, Infinity))
      due.serving = await this.#newServing(serving);
    return due;
  }

  /** Past half of its life, of a longer life than is configured now, or not permitted to do what it is for. */
  #isDue({ certificate }: Signer, names: readonly AskedName[], lifetimeMs: number): boolean {
    const now = this.#options.clock.now();
    return (
      renewalTime(certificate).getTime() <= now ||
      certificate.validToDate.getTime() - now > lifetimeMs ||
      !permitsNames(certificate, names)
    );
  }

  #nextLookMs({ intermediate, serving }: AuthorityParts): number {
    const times = [intermediate, serving?.signer].map((signer) =>
      signer ? until(renewalTime(signer.certificate), this.#options, 1_000) : LOOK_MS,
    );
    return Math.min(...times, jittered(LOOK_MS, this.#options));
  }

  /** Takes over what the Secret says, unless it is older than what was seen, or bad. */
  #observe(secret: Secret): void {
    const { resourceVersion = '0' } = secret.metadata;
    if (BigInt(resourceVersion) <= BigInt(this.#seen)) return;
    this.#seen = resourceVersion;
    const now = new Date(this.#options.clock.now());
    const parts = readAuthority(secret.data ?? {}, now);
    if (!parts.ok) {
      const { code, message, field, remedy } = parts.error;
      this.#options.log.error({ code, field, remedy, secret: this.#name }, message);
      return;
    }
    const state = stateOf(parts.value, now);
    if (!state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  get #name(): string {
    return `${this.#options.namespace}/${AUTHORITY_SECRET}`;
  }
}

/** All roots of a state, where `dataOf` knows only the one with a key. */
const rootsOf = ({ roots }: AuthorityState): Record<string, string> => ({
  'root.crt': Buffer.from(roots.map(String).join('')).toString('base64'),
});
