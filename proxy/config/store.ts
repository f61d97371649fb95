/** Mounted files, read when they change, and handed to what judges them. The certificate is judged here. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigState, Live, Log } from '../context.ts';
import type { Vicinity } from '../outbound/registry.ts';
import { ConfigCore } from './core.ts';
import { IDENTITY_FILES, loadIdentity, type LoadedIdentity } from './identity.ts';
import { LiveValue } from './live.ts';
import { readMount, readPacked, watchMount, type Files } from './mount.ts';
import type { Refusal, Subject } from './status.ts';

export interface StoreOptions {
  folders: { config: string; directory: string; identity: string; podInfo: string };
  /** SPIFFE id that the certificate must name: that of the pod. */
  spiffeId: string;
  /** What is reached whatever the documents say. */
  vicinity?: Vicinity;
  log: Log;
  now?: () => Date;
  /** How often is looked without a sign of change, in ms. */
  pollMs?: number;
  settleMs?: number;
}

/** What `identity.current` was made of; it holds the private key. */
export interface IdentitySource {
  files: Files;
  /** Certificates are valid at times; they were at this one. */
  verifiedAt: Date;
}

export interface ConfigStore {
  /** Takes what the stream brings as well. */
  readonly core: ConfigCore;
  readonly config: Live<ConfigState>;
  readonly identity: Live<LoadedIdentity>;
  readonly identitySource: IdentitySource | undefined;
  /** When `config.current` came into force. */
  readonly since: Date | undefined;
  readonly refusals: readonly Refusal[];
  /** Resolves when all mounts were looked at once. */
  readonly read: Promise<void>;
  refusal(subject: Subject): Refusal | undefined;
  /** After each refusal that is news, and after each that ended. */
  onRefusals(listener: (refusal: Refusal | undefined) => void): void;
  /** After files, a certificate's included, brought something new, be it refused. */
  onFiles(listener: () => void): void;
  stop(): void;
}

/** A plain folder's files change one after the other: until they fit together they get this much time. */
const SETTLE_ATTEMPTS = 5;
const SETTLE_PAUSE_MS = 50;

/** Runs `work`; asked again meanwhile, once more afterwards. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running = false;
  let again = false;
  return async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      running = false;
    }
  };
}

const sameFiles = (a: Files | undefined, b: Files): boolean =>
  a !== undefined && Object.keys(b).every((name) => a[name] === b[name]);

class Store implements ConfigStore {
  readonly core: ConfigCore;
  readonly identity = new LiveValue<LoadedIdentity>((error) =>
    this.#options.log.error({ error }, 'a follower of the certificate failed; the certificate is in use'),
  );
  readonly read: Promise<void>;
  identitySource: IdentitySource | undefined;
  readonly #options: StoreOptions;
  readonly #now: () => Date;
  readonly #listeners: (() => void)[] = [];
  readonly #stops: (() => void)[];

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.core = new ConfigCore({ vicinity: options.vicinity, log: options.log, now: this.#now });
    const { folders, pollMs = 10_000, settleMs = 20 } = options;
    const documents = oneAtATime(() => this.#load('config', () => this.#loadDocuments()));
    const identity = oneAtATime(() => this.#load('identity', () => this.#loadIdentity()));
    const watch = (folder: string, onChange: () => Promise<void>) =>
      watchMount({ folder, onChange: () => void onChange(), pollMs, settleMs });
    this.#stops = [
      watch(folders.config, documents),
      watch(folders.directory, documents),
      watch(folders.podInfo, documents),
      watch(folders.identity, identity),
    ];
    this.read = Promise.all([documents(), identity()]).then(() => {});
  }

  get config(): Live<ConfigState> {
    return this.core.config;
  }

  get since(): Date | undefined {
    return this.core.since;
  }

  get refusals(): readonly Refusal[] {
    return this.core.refusals.all;
  }

  refusal(subject: Subject): Refusal | undefined {
    return this.core.refusals.get(subject);
  }

  onRefusals(listener: (refusal: Refusal | undefined) => void): void {
    this.core.refusals.subscribe(listener);
  }

  onFiles(listener: () => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** `load` says whether there was something new. */
  async #load(subject: Subject, load: () => Promise<boolean>): Promise<void> {
    let news = true;
    try {
      news = await load();
    } catch (error) {
      const before = this.refusal(subject);
      news = this.core.refusals.refuse(subject, error) !== before;
    }
    if (news) for (const listener of this.#listeners) listener();
  }

  async #loadDocuments(): Promise<boolean> {
    const { folders } = this.#options;
    // what cannot be read is the matter of its own file alone
    const [config, directory, labels] = await Promise.all(
      [
        readPacked(folders.config, 'config.json'),
        readPacked(folders.directory, 'directory.json'),
        readMount(folders.podInfo, ['labels']).then(({ files }) => files['labels']),
      ].map((text) => text.catch((error: unknown) => error as Error)),
    );
    return this.core.files({ config, directory, labels });
  }

  async #loadIdentity(): Promise<boolean> {
    const { folders, spiffeId, log } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { files, atomic } = await readMount(folders.identity, IDENTITY_FILES);
      if (this.identity.current && sameFiles(this.identitySource?.files, files)) {
        const refused = this.refusal('identity') !== undefined;
        this.core.refusals.accept('identity');
        return refused;
      }
      try {
        const verifiedAt = this.#now();
        const identity = loadIdentity(files, { spiffeId, now: verifiedAt });
        this.identitySource = { files, verifiedAt };
        this.core.refusals.accept('identity');
        this.identity.set(identity);
        const { serial, notAfter } = identity;
        log.info({ spiffeId, serial, notAfter: notAfter.toISOString() }, 'certificate in use');
        return true;
      } catch (error) {
        if (atomic || attempt === SETTLE_ATTEMPTS) throw error;
        await sleep(SETTLE_PAUSE_MS);
      }
    }
  }
}

/** Starts reading and watching. Never throws for what the files hold; see `refusals`. */
export const startStore = (options: StoreOptions): ConfigStore => new Store(options);
