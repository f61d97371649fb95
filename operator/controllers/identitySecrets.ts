/**
 * A Secret with certificate, key and trust bundle for each identity: `weft.serviceaccount.<name>`, owned by the
 * ServiceAccount.
 *
 *   new IdentitySecrets({client, clock, log, …})
 *     .setDesired(identities)   all identities of the mesh, whole each time; whoever leads or not
 *     .lead(signal)             the replica that holds the Lease: writes, until the signal aborts
 *     .recheck()                after a change of the configured lifetime
 *     .lookAgain(…)             pods wait for this one
 *     .sweep(identities)        once after becoming leader: removes what was left behind for these
 *
 *   in place                                → what is done
 *   nothing, or not what we wrote           → issued and written at once
 *   good, past half life                    → issued and written; jitter is in the certificate's own renewal time
 *   another trust bundle                    → ca.crt alone is written, the certificate stays
 *   due, and the new one has another root   → waits until all identities have had the bundle with it for SETTLE_MS:
 *                                             a leaf is never replaced by one that peers do not trust yet
 *   good, not wanted for REMOVE_MS          → deleted, where we have seen or written it
 */
import { bundleOutdated, isUnusable, issueLeaf, mustIssue, type InPlace } from '../../certs/issue/index.ts';
import { spiffeId } from '../../core/model/index.ts';
import { FIELD_MANAGER } from '../../core/model/names.ts';
import {
  apply,
  isInvalid,
  isNotFound,
  mergePatch,
  probeMetadata,
  resources,
  WorkQueue,
  type PartialObject,
} from '../../kube/index.ts';
import type { AuthoritySource, AuthorityState } from './authority.ts';
import { jittered, sourceOf, until, type CertificateContext } from './certificateContext.ts';
import {
  bundlePatch,
  identityKey,
  identityObject,
  identityRef,
  inPlaceOf,
  isManaged,
  spread,
  type DesiredIdentity,
} from './identitySecret.ts';

export { identityKey, type DesiredIdentity } from './identitySecret.ts';

export interface IdentitySecretsOptions extends CertificateContext {
  readonly authority: AuthoritySource;
  readonly trustDomain: string;
  /** Asked for each certificate. */
  readonly leafLifetimeMs: () => number;
  /** The Secret has new content: pods that mount it want a refresh. */
  readonly onChanged: (namespace: string, serviceAccount: string) => void;
  /** How often a Secret is looked at though nothing is due; default 5 minutes. */
  readonly probeMs?: number;
  /** How long every proxy surely takes to see a new bundle; default 2 minutes, as kubelet looks about once a minute. */
  readonly settleMs?: number;
}

interface Memory {
  secret: PartialObject | undefined;
  probedAt: number;
  unwantedSince?: number;
}

const PROBE_MS = 5 * 60_000;
const SETTLE_MS = 2 * 60_000;
export const REMOVE_MS = 30_000;
export const LOOK_AGAIN_MS = 5_000;
/** An intermediate with less life left issues nothing more: its successor is about to come. */
const MIN_ISSUER_MS = 30_000;

export class IdentitySecrets {
  readonly #options: IdentitySecretsOptions;
  #desired: ReadonlyMap<string, DesiredIdentity> = new Map();
  readonly #memory = new Map<string, Memory>();
  #queue: WorkQueue | undefined;
  /** Since when no bundle was changed, ms of the clock that never jumps. */
  #bundlesSince: number;
  #bundles: { bundleId: string; complete: boolean; at: number } | undefined;

  constructor(options: IdentitySecretsOptions) {
    this.#options = options;
    this.#bundlesSince = options.clock.monotonic();
  }

  setDesired(identities: Iterable<DesiredIdentity>): void {
    const before = this.#desired;
    this.#desired = new Map(Array.from(identities, (identity) => [identityKey(identity), identity]));
    for (const [key, { uid }] of this.#desired) if (before.get(key)?.uid !== uid) this.#queue?.add(key);
    for (const key of before.keys()) if (!this.#desired.has(key)) this.#queue?.add(key);
  }

  /** Looks at every identity again. */
  recheck(): void {
    for (const key of this.#desired.keys()) this.#queue?.add(key);
  }

  /** Asks for a Secret that pods wait for, at most every LOOK_AGAIN_MS: somebody may have deleted it. */
  lookAgain(namespace: string, serviceAccount: string): void {
    const key = identityKey({ namespace, serviceAccount });
    const known = this.#memory.get(key);
    if (!known && !this.#desired.has(key)) return;
    if (known && this.#options.clock.monotonic() - known.probedAt < LOOK_AGAIN_MS) return;
    if (known) known.probedAt = -Infinity;
    this.#queue?.add(key);
  }

  /** Looks whether Secrets of identities that are not wanted were left behind, as while no operator ran. */
  sweep(identities: Iterable<Omit<DesiredIdentity, 'uid'>>): void {
    for (const identity of identities) {
      const key = identityKey(identity);
      if (this.#desired.has(key) || this.#memory.has(key)) continue;
      this.#memory.set(key, { secret: undefined, probedAt: -Infinity });
      this.#queue?.add(key);
    }
  }

  /** Writes until `signal` aborts; resolves when all work has ended. */
  async lead(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock, log, random, authority } = this.#options;
    const queue = new WorkQueue({
      process: (key) => this.#reconcile(key),
      clock,
      ...(random ? { random } : {}),
      onError: (identity, error) => log.warn({ err: error, identity }, 'cannot bring an identity into place'),
    });
    this.#memory.clear(); // Another replica may have written since.
    this.#bundlesSince = clock.monotonic();
    this.#queue = queue;
    const unsubscribe = authority.subscribe(() => this.recheck());
    for (const [key, ms] of spread(this.#desired.keys())) queue.addAfter(key, ms);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    unsubscribe();
    this.#queue = undefined;
    await queue.shutdown();
  }

  async #reconcile(key: string): Promise<{ requeueAfterMs: number } | undefined> {
    const memory = await this.#look(key);
    const identity = this.#desired.get(key);
    if (!identity) return this.#remove(key, memory);
    delete memory.unwantedSince;
    const state = this.#options.authority.current;
    // The subscription brings the key back as soon as there is one.
    if (!state) return undefined;
    const inPlace = inPlaceOf(memory.secret, identity.uid);
    const waitMs = await this.#bringInOrder(identity, { inPlace, memory, state });
    return { requeueAfterMs: waitMs };
  }

  /** Returns when to look again, in ms. */
  async #bringInOrder(identity: DesiredIdentity, { inPlace, memory, state }: Look): Promise<number> {
    const { clock, leafLifetimeMs, trustDomain, log } = this.#options;
    const id = spiffeId(trustDomain, identity.namespace, identity.serviceAccount);
    const wanted = {
      names: [id],
      roots: state.rootIds,
      bundle: state.bundleId,
      lifetimeMs: leafLifetimeMs(),
    };
    const input = { inPlace, wanted, now: new Date(clock.now()) };
    const due = mustIssue(input);
    if (due && until(state.intermediate.certificate.validToDate, this.#options) < MIN_ISSUER_MS) {
      log.error(
        { identity: id, reason: due.reason },
        'the intermediate has ended; waiting for its successor',
      );
      return MIN_ISSUER_MS;
    }
    const heldMs = due && !isUnusable(due) ? this.#heldMs(inPlace, state) : 0;
    if (due && heldMs <= 0) {
      log.info({ identity: id, reason: due.reason }, due.message);
      await this.#issue(identity, { memory, state, id });
    } else if (due) {
      log.info({ identity: id, reason: due.reason, heldMs }, 'a leaf of the new root waits for its peers');
    }
    if (bundleOutdated({ ...input, inPlace: inPlaceOf(memory.secret, identity.uid) })) {
      await this.#writeBundle(identity, memory, state);
    }
    const { facts } = { facts: undefined, ...inPlaceOf(memory.secret, identity.uid) };
    const renewMs = facts ? until(facts.renewAt, this.#options) : 0;
    return Math.max(1_000, Math.min(Math.max(renewMs, heldMs), this.#probeMs()));
  }

  /** How long a leaf under another root than that in place must still wait, in ms. */
  #heldMs(inPlace: InPlace, state: AuthorityState): number {
    if (inPlace.state !== 'Present' || inPlace.facts.root === state.rootId) return 0;
    const { clock, settleMs = SETTLE_MS } = this.#options;
    const { notAfter, renewAt } = inPlace.facts;
    // An identity that cannot be reached must not hold the others until they expire.
    const patienceMs = (notAfter.getTime() + renewAt.getTime()) / 2 - clock.now();
    const settlesMs = this.#allHave(state.bundleId)
      ? this.#bundlesSince + settleMs - clock.monotonic()
      : settleMs;
    return Math.min(patienceMs, settlesMs);
  }

  /** True where every identity has this trust bundle, or nothing yet. Looked at once a second: each due one asks. */
  #allHave(bundleId: string): boolean {
    const now = this.#options.clock.monotonic();
    if (this.#bundles?.bundleId === bundleId && now - this.#bundles.at < 1_000) return this.#bundles.complete;
    const complete = Array.from(this.#desired).every(([key, { uid }]) => {
      const memory = this.#memory.get(key);
      const other = memory && inPlaceOf(memory.secret, uid);
      return other && (other.state !== 'Present' || other.facts.bundle === bundleId);
    });
    this.#bundles = { bundleId, complete, at: now };
    return complete;
  }

  /** What is in place: as remembered, or asked for when that is too long ago. */
  async #look(key: string): Promise<Memory> {
    const { client, clock } = this.#options;
    const known = this.#memory.get(key);
    const now = clock.monotonic();
    if (known && now - known.probedAt < (this.#options.probeMs ?? PROBE_MS) * 0.75) return known;
    const memory: Memory = { ...known, secret: await probeMetadata(client, targetOf(key)), probedAt: now };
    this.#memory.set(key, memory);
    return memory;
  }

  async #issue(identity: DesiredIdentity, { memory, state, id }: Issue): Promise<void> {
    const { client, leafLifetimeMs, onChanged, log } = this.#options;
    const lifetimeMs = leafLifetimeMs();
    const leaf = await issueLeaf(sourceOf(this.#options), {
      issuer: state.intermediate,
      spiffeId: id,
      lifetimeMs,
    });
    const object = identityObject(identity, { spiffeId: id, leaf, state });
    try {
      memory.secret = await apply(client, { resource: resources.secrets, object }, { metadataOnly: true });
    } catch (error) {
      if (!isInvalid(error) || !memory.secret) throw error;
      // A Secret's type cannot be changed: one of another type under our name must go first.
      log.warn({ err: error, identity: id }, 'a Secret of this name is not ours to change; it is deleted');
      await this.#delete(identityKey(identity), memory.secret);
      memory.secret = undefined;
      throw error;
    }
    onChanged(identity.namespace, identity.serviceAccount);
  }

  /** ca.crt alone: what else is in the Secret we could not read to write it again. */
  async #writeBundle(identity: DesiredIdentity, memory: Memory, state: AuthorityState): Promise<void> {
    const { client, clock, onChanged } = this.#options;
    const target = { ...targetOf(identityKey(identity)), patch: bundlePatch(state) };
    memory.probedAt = -Infinity; // Where the patch fails, what is in place is not known.
    memory.secret = await mergePatch(client, target, { fieldManager: FIELD_MANAGER, metadataOnly: true });
    memory.probedAt = clock.monotonic();
    this.#bundlesSince = memory.probedAt;
    onChanged(identity.namespace, identity.serviceAccount);
  }

  async #remove(key: string, memory: Memory): Promise<{ requeueAfterMs: number } | undefined> {
    const { clock, log } = this.#options;
    if (!isManaged(memory.secret)) {
      this.#memory.delete(key);
      return undefined;
    }
    // A namespace that is taken out and put back by mistake keeps its certificates.
    memory.unwantedSince ??= clock.monotonic();
    const waitMs = memory.unwantedSince + REMOVE_MS - clock.monotonic();
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    await this.#delete(key, memory.secret);
    this.#memory.delete(key);
    log.info({ identity: key }, 'the identity is not wanted any more; its Secret was deleted');
    return undefined;
  }

  async #delete(key: string, { metadata: { uid } }: PartialObject): Promise<void> {
    const { resource, ref } = targetOf(key);
    try {
      await this.#options.client.delete(resource, ref, { uid });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #probeMs(): number {
    return jittered(this.#options.probeMs ?? PROBE_MS, this.#options);
  }
}

interface Look {
  readonly inPlace: InPlace;
  readonly memory: Memory;
  readonly state: AuthorityState;
}

interface Issue {
  readonly memory: Memory;
  readonly state: AuthorityState;
  readonly id: string;
}

const targetOf = (key: string) => ({ resource: resources.secrets, ref: identityRef(key) });
