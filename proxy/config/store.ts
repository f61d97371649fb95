/**
 * What the proxy runs by: read from mounted files, checked whole, swapped whole. What is wrong is refused and told;
 * what was in force before stays, for as long as it takes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Directory } from '../../core/proxyConfig/index.ts';
import type { ConfigState, Live, Log } from '../context.ts';
import type { Vicinity } from '../outbound/registry.ts';
import { buildState, documentHash, readConfig, readDirectory, withDirectory } from './documents.ts';
import { IDENTITY_FILES, loadIdentity, type LoadedIdentity } from './identity.ts';
import { LiveValue } from './live.ts';
import { readMount, watchMount, type Files } from './mount.ts';
import { Refusals, type Refusal, type Subject } from './status.ts';

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
  readonly config: Live<ConfigState>;
  readonly identity: Live<LoadedIdentity>;
  readonly identitySource: IdentitySource | undefined;
  /** When `config.current` came into force. */
  readonly since: Date | undefined;
  readonly refusals: readonly Refusal[];
  refusal(subject: Subject): Refusal | undefined;
  /** After each refusal that is news, and after each that ended. */
  onRefusals(listener: (refusal: Refusal | undefined) => void): void;
  stop(): void;
}

/** A plain folder's files change one after the other: until they fit together they get this much time. */
const SETTLE_ATTEMPTS = 5;
const SETTLE_PAUSE_MS = 50;

/** Runs `work`; asked again meanwhile, once more afterwards. */
function oneAtATime(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return () => void run();
}

interface DocumentTexts {
  config: string | undefined;
  directory: string | undefined;
  labels: string | undefined;
}

function hashesOf({ config, directory, labels }: DocumentTexts): DocumentTexts {
  const hash = (text: string | undefined) => (text === undefined ? undefined : documentHash(text));
  return { config: hash(config), directory: hash(directory), labels: hash(labels) };
}

const sameFiles = (a: Files | undefined, b: Files): boolean =>
  a !== undefined && Object.keys(b).every((name) => a[name] === b[name]);

class Store implements ConfigStore {
  readonly config = new LiveValue<ConfigState>();
  readonly identity = new LiveValue<LoadedIdentity>();
  identitySource: IdentitySource | undefined;
  since: Date | undefined;
  readonly #options: StoreOptions;
  readonly #now: () => Date;
  readonly #refusals: Refusals;
  readonly #listeners: ((refusal: Refusal | undefined) => void)[] = [];
  readonly #stops: (() => void)[];
  /** Hashes of the texts that were read last: they tell a change as well as the texts, which may be megabytes. */
  #seen: DocumentTexts | undefined;
  /** The last good one; kept apart from `config`, since it may come while config.json is refused. */
  #directory: Directory | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#refusals = new Refusals({
      log: options.log,
      now: this.#now,
      onRefused: (refusal) => this.#tell(refusal),
    });
    const { folders, pollMs = 10_000, settleMs = 20 } = options;
    const documents = oneAtATime(() => this.#reload('config', () => this.#loadDocuments()));
    const identity = oneAtATime(() => this.#reload('identity', () => this.#loadIdentity()));
    const watch = (folder: string, onChange: () => void) =>
      watchMount({ folder, onChange, pollMs, settleMs });
    this.#stops = [
      watch(folders.config, documents),
      watch(folders.directory, documents),
      watch(folders.podInfo, documents),
      watch(folders.identity, identity),
    ];
    documents();
    identity();
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals.all;
  }

  refusal(subject: Subject): Refusal | undefined {
    return this.#refusals.get(subject);
  }

  onRefusals(listener: (refusal: Refusal | undefined) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #tell(refusal: Refusal | undefined): void {
    for (const listener of this.#listeners) listener(refusal);
  }

  #accept(subject: Subject): void {
    if (this.#refusals.accept(subject)) this.#tell(undefined);
  }

  async #reload(subject: Subject, load: () => Promise<void>): Promise<void> {
    try {
      await load();
    } catch (error) {
      this.#refusals.refuse(subject, error);
    }
  }

  async #readTexts(): Promise<DocumentTexts> {
    const { folders } = this.#options;
    const [config, directory, labels] = await Promise.all([
      readMount(folders.config, ['config.json']),
      readMount(folders.directory, ['directory.json']),
      readMount(folders.podInfo, ['labels']),
    ]);
    return {
      config: config.files['config.json'],
      directory: directory.files['directory.json'],
      labels: labels.files['labels'],
    };
  }

  async #loadDocuments(): Promise<void> {
    const texts = await this.#readTexts();
    const before = this.#seen;
    const seen = hashesOf(texts);
    this.#seen = seen;
    const current = this.config.current;
    const changed = (name: keyof DocumentTexts) => before === undefined || before[name] !== seen[name];
    if (!changed('config') && !changed('directory') && !changed('labels')) return;

    if (changed('directory')) {
      try {
        this.#directory = readDirectory(texts.directory, this.#directory);
        this.#accept('directory');
      } catch (error) {
        this.#refusals.refuse('directory', error);
      }
    }
    const directory = this.#directory;
    const { vicinity } = this.#options;
    try {
      // a document that is refused now is read again when only the labels change: they choose its section
      const document = readConfig(texts.config, current?.document);
      const unchanged =
        document.hash === current?.document.hash && document.revision === current.document.revision;
      if (!unchanged || directory !== current?.directory || changed('labels'))
        this.#putInForce(buildState({ document, directory, labels: texts.labels, vicinity }));
      this.#accept('config');
    } catch (error) {
      this.#refusals.refuse('config', error);
      // what stays in force must learn of identities that changed all the same
      if (current && directory && directory !== current.directory)
        this.#putInForce(withDirectory(current, directory, vicinity));
    }
  }

  #putInForce(state: ConfigState): void {
    this.since = this.#now();
    this.config.set(state);
    const { epoch, revision, hash, services } = state.document;
    this.#options.log.info({ epoch, revision, hash, services: services.length }, 'configuration in force');
  }

  async #loadIdentity(): Promise<void> {
    const { folders, spiffeId, log } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { files, atomic } = await readMount(folders.identity, IDENTITY_FILES);
      if (this.identity.current && sameFiles(this.identitySource?.files, files))
        return this.#accept('identity');
      try {
        const verifiedAt = this.#now();
        const identity = loadIdentity(files, { spiffeId, now: verifiedAt });
        this.identitySource = { files, verifiedAt };
        this.#accept('identity');
        this.identity.set(identity);
        const { serial, notAfter } = identity;
        log.info({ spiffeId, serial, notAfter: notAfter.toISOString() }, 'certificate in use');
        return;
      } catch (error) {
        if (atomic || attempt === SETTLE_ATTEMPTS) throw error;
        await sleep(SETTLE_PAUSE_MS);
      }
    }
  }
}

/** Starts reading and watching. Never throws for what the files hold; see `refusals`. */
export const startStore = (options: StoreOptions): ConfigStore => new Store(options);
