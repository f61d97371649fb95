/** Certificates of a mesh without a cluster: issued by the same code, written where kubelet would mount them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  issueLeaf,
  mustIssue,
  type CertificateFacts,
  type InPlace,
  type Source,
} from '../../certs/issue/index.ts';
import { spiffeId } from '../../core/model/index.ts';
import { identitySecretName } from '../../core/model/names.ts';
import { WorkQueue, type Clock } from '../../kube/index.ts';
import type { Log } from '../controllers/certificateContext.ts';
import type { AuthorityState } from '../controllers/authoritySecret.ts';
import { writeMounted } from '../sinks/mounted.ts';
import type { FileAuthority } from './fileAuthority.ts';

export interface FileIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface FileIdentitiesOptions {
  readonly out: string;
  readonly authority: FileAuthority;
  readonly trustDomain: string;
  readonly leafLifetimeMs: () => number;
  readonly source: () => Source;
  readonly clock: Clock;
  readonly log: Log;
  readonly onWritten: (identity: FileIdentity) => void;
}

/** However far away a renewal is, certificates are looked at this often: timers sleep while a laptop does. */
const LOOK_MS = 60_000;
const keyOf = ({ namespace, serviceAccount }: FileIdentity): string => `${namespace}/${serviceAccount}`;

export class FileIdentities {
  readonly #options: FileIdentitiesOptions;
  readonly #inPlace = new Map<string, CertificateFacts>();
  readonly #queue: WorkQueue;
  #desired = new Map<string, FileIdentity>();

  constructor(options: FileIdentitiesOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      process: (key) => this.#reconcile(key),
      clock: options.clock,
      onError: (identity, error) =>
        options.log.warn({ err: error, identity }, 'cannot bring an identity into place'),
    });
    options.authority.subscribe(() => this.recheck());
  }

  setDesired(identities: readonly FileIdentity[]): void {
    const before = this.#desired;
    this.#desired = new Map(identities.map((identity) => [keyOf(identity), identity]));
    for (const key of before.keys()) if (!this.#desired.has(key)) this.#queue.add(key);
    this.recheck();
  }

  /** Looks at every identity again. */
  recheck(): void {
    for (const key of this.#desired.keys()) this.#queue.add(key);
  }

  stop(): Promise<void> {
    return this.#queue.shutdown();
  }

  async #reconcile(key: string): Promise<{ requeueAfterMs: number } | undefined> {
    const { out, authority, trustDomain, leafLifetimeMs, source } = this.#options;
    const identity = this.#desired.get(key);
    const [namespace = '', account = ''] = key.split('/');
    const folder = join(out, namespace, identitySecretName(account));
    if (!identity) {
      this.#inPlace.delete(key);
      await rm(folder, { recursive: true, force: true });
      return undefined;
    }
    await authority.renew();
    const state = authority.current;
    if (!state) return undefined;
    const facts = this.#inPlace.get(key);
    const inPlace: InPlace = facts ? { state: 'Present', facts } : { state: 'Missing' };
    const id = spiffeId(trustDomain, namespace, account);
    const now = source().now;
    const wanted = {
      names: [id],
      roots: state.rootIds,
      bundle: state.bundleId,
      lifetimeMs: leafLifetimeMs(),
    };
    if (mustIssue({ inPlace, wanted, now })) await this.#issue(identity, { folder, id, state });
    const renewMs = (this.#inPlace.get(key)?.renewAt.getTime() ?? 0) - now.getTime();
    return { requeueAfterMs: Math.max(1_000, Math.min(renewMs, LOOK_MS)) };
  }

  async #issue(
    identity: FileIdentity,
    { folder, id, state }: { folder: string; id: string; state: AuthorityState },
  ): Promise<void> {
    const { source, leafLifetimeMs, log, onWritten } = this.#options;
    const leaf = await issueLeaf(source(), {
      issuer: state.intermediate,
      spiffeId: id,
      lifetimeMs: leafLifetimeMs(),
    });
    const files = { 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem, 'ca.crt': state.bundle };
    await writeMounted(folder, files, leaf.serial);
    this.#inPlace.set(keyOf(identity), {
      names: [id],
      root: state.rootId,
      bundle: state.bundleId,
      notAfter: leaf.notAfter,
      renewAt: leaf.renewAt,
      issuerNotAfter: state.intermediate.certificate.validToDate,
    });
    log.info(
      { identity: id, serial: leaf.serial, notAfter: leaf.notAfter.toISOString() },
      'wrote a certificate',
    );
    onWritten(identity);
  }
}
