/**
 * What a proxy runs by, without a look at where it comes from: files and the stream bring documents, each is checked
 * whole and taken whole. What is wrong is refused and told; what was in force before stays, for as long as it takes.
 */
import type {
  AckMessage,
  DirectoryMessage,
  RefusalMessage,
  StateMessage,
  UpdateMessage,
} from '../../core/control/index.ts';
import { MAX_USED } from '../../core/control/protocol.ts';
import type { ConfigState, DocumentHead, Live, Log } from '../context.ts';
import type { CompactDirectory } from '../outbound/directory.ts';
import type { Vicinity } from '../outbound/registry.ts';
import { readDirectory, updateDirectory } from './directories.ts';
import { changedParts, headOf, readDocument, updateDocument, type HeldDocument } from './documents.ts';
import { orderOf, type Order, type Placed, type Position, type Source } from './position.ts';
import { isSectionMissing, sectionOf } from './section.ts';
import { StateKeeper } from './state.ts';
import { Refusals, refusalFields } from './status.ts';
import { readable, SeenTexts, type FileTexts, type Text } from './texts.ts';

export interface CoreOptions {
  /** What is reached whatever the documents say. */
  vicinity?: Vicinity | undefined;
  log: Log;
  now?: () => Date;
  /** Gives an equal value that is there already: where many proxies run in one process, they share what they hold. */
  share?: <T extends HeldDocument | CompactDirectory>(value: T) => T;
}

interface InForce<T> {
  readonly value: T;
  /** By which way it came. */
  readonly source: Source;
  /** The newest position that it was said to have. */
  readonly at: Placed;
}

/** What is held does not fit what the operator takes it for: it is to be told that nothing is, and to send everything. */
export interface Lost {
  readonly document: boolean;
  readonly directory: boolean;
}

const NOTHING_LOST: Lost = { document: false, directory: false };

type Held = InForce<HeldDocument> & { readonly head: DocumentHead };

const share: NonNullable<CoreOptions['share']> = (value) => value;

export class ConfigCore {
  /** When `config.current` came into force. */
  since: Date | undefined;
  readonly refusals: Refusals;
  readonly #options: CoreOptions;
  readonly #now: () => Date;
  readonly #share: NonNullable<CoreOptions['share']>;
  readonly #state: StateKeeper;
  #document: Held | undefined;
  /** A newer document without a section for the labels that are known: its services are in force, its policy is not. */
  #waiting: Held | undefined;
  /** The last good one; it may come before the first document, and while one is refused. */
  #directory: InForce<CompactDirectory> | undefined;
  #labels: Text;
  readonly #seen = new SeenTexts();
  #lost = NOTHING_LOST;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#share = options.share ?? share;
    this.#state = new StateKeeper(options.vicinity, (error) =>
      options.log.error({ error }, 'a follower of the configuration failed; the configuration is in force'),
    );
    this.refusals = new Refusals({ log: options.log, now: this.#now });
  }

  get config(): Live<ConfigState> {
    return this.#state.config;
  }

  /** By which way the document in force came, and the hashes of its parts. */
  get document(): (Pick<InForce<unknown>, 'source'> & Pick<HeldDocument, 'hashes'>) | undefined {
    return this.#document && { source: this.#document.source, hashes: this.#document.value.hashes };
  }

  get directorySource(): Source | undefined {
    return this.#directory?.source;
  }

  // ---- files

  /** Takes what the mounts hold. True where it changed anything of what is in force or refused. */
  files(texts: FileTexts): boolean {
    const changed = this.#seen.changed(texts);
    if (changed.size === 0) return false;
    const before = this.#outcome();
    const { config, directory, labels } = texts;
    this.#labels = labels;
    if (changed.has('directory') && directory !== undefined) this.#directoryFile(directory);
    if (changed.has('config') || changed.has('labels')) this.#documentFile(config, changed.has('labels'));
    const after = this.#outcome();
    return after.length !== before.length || after.some((value, index) => value !== before[index]);
  }

  /** All that files can change. */
  #outcome(): readonly unknown[] {
    return [this.config.current, this.#directory, ...this.refusals.all];
  }

  #directoryFile(text: Text): void {
    try {
      const value = readDirectory(readable(text) ?? '', this.#directory?.value);
      const order = orderOf({ position: value, source: 'file' }, this.#directory?.at, 'directory.json');
      if (order === 'news') this.#takeDirectory(value, 'file');
      this.refusals.accept('directory', value);
    } catch (error) {
      this.refusals.refuse('directory', error);
    }
  }

  /** A document that is refused now is read again when only the labels change: they choose its section. */
  #documentFile(text: Text, relabelled: boolean): void {
    const before = this.#document;
    try {
      const value = readDocument(readable(text), before?.value);
      const { position } = value;
      const order = orderOf({ position, source: 'file' }, (this.#waiting ?? before)?.at, 'config.json');
      if (order === 'news') this.#take(value, 'file');
      else if (order === 'passed')
        this.#options.log.debug(position, 'the stream has brought a newer document than the file');
      this.#accept(order, position);
    } catch (error) {
      this.refusals.refuse('config', error);
    }
    if (relabelled && before && this.#document === before) this.#relabel();
  }

  #relabel(): void {
    const waiting = this.#waiting;
    try {
      if (waiting) this.#take(waiting.value, waiting.source);
      else this.#renew();
      if (this.refusals.get('config')?.code === 'SECTION_MISSING') this.refusals.accept('config');
    } catch (error) {
      this.refusals.refuse('config', error, waiting?.at.position);
    }
  }

  // ---- the stream

  get lost(): Lost {
    return this.#lost;
  }

  /** Another stream is told of what is held, and finds what fits it. */
  startOver(): void {
    this.#lost = NOTHING_LOST;
  }

  update(message: UpdateMessage): AckMessage | RefusalMessage {
    const { epoch, revision, hash } = message;
    const position = { epoch, revision, hash };
    try {
      const order = orderOf({ position, source: 'stream' }, this.#document?.at, 'update');
      if (order === 'news') this.#take(updateDocument(this.#document?.value, message), 'stream');
      // whatever the file is refused for, this is newer
      this.#accept(order);
      this.#lost = { ...this.#lost, document: false };
      return { type: 'ack', ...position, since: this.since!.toISOString() };
    } catch (error) {
      const refusal = this.refusals.refuse('config', error, position);
      if (refusal.code === 'DOCUMENT_HASH_MISMATCH') this.#lost = { ...this.#lost, document: true };
      return { type: 'refusal', ...position, ...refusalFields(refusal) };
    }
  }

  /** False where it is refused: it is not sent again unless it is asked for. */
  directory(message: DirectoryMessage): boolean {
    const { epoch, revision, hash } = message;
    const position = { epoch, revision, hash };
    try {
      const order = orderOf({ position, source: 'stream' }, this.#directory?.at, 'update');
      if (order === 'news') this.#takeDirectory(updateDirectory(this.#directory?.value, message), 'stream');
      this.refusals.accept('directory');
      this.#lost = { ...this.#lost, directory: false };
      return true;
    } catch (error) {
      const { code } = this.refusals.refuse('directory', error, position);
      if (code === 'DOCUMENT_HASH_MISMATCH') this.#lost = { ...this.#lost, directory: true };
      return false;
    }
  }

  /** Hashes of what is held, but for what is `lost`. */
  has(lost: Lost = this.#lost): StateMessage['has'] {
    const document = lost.document ? undefined : this.#document?.value;
    const directory = lost.directory ? undefined : this.#directory?.value.hash;
    const services = [...(document?.services ?? [])].map(([key, service]) => [key, service.hash]);
    return {
      parts: { ...document?.hashes },
      services: Object.fromEntries(services) as Record<string, string>,
      ...(directory !== undefined && { directory }),
    };
  }

  /** Services of other namespaces that the document holds. */
  used(): string[] {
    const own = `${this.#document?.value.values.policy.workload.namespace}/`;
    const services = [...(this.#document?.value.services.keys() ?? [])];
    return services.filter((key) => !key.startsWith(own)).slice(0, MAX_USED);
  }

  // ---- the rest

  #accept(order: Order, position?: Position): void {
    const missing = this.#waiting || this.refusals.get('config')?.code === 'SECTION_MISSING';
    // what is in force already has no section for the labels either
    if (order === 'news' || !missing) this.refusals.accept('config', position);
  }

  #takeDirectory(directory: CompactDirectory, source: Source): void {
    const { epoch, revision, hash } = directory;
    const value = this.#share(directory);
    this.#follow({ directory: value });
    this.#directory = { value, source, at: { position: { epoch, revision, hash }, source } };
  }

  /** Puts a document into force; what fails leaves everything as it was, but for services where only the section fails. */
  #take(document: HeldDocument, source: Source): void {
    const before = this.#document;
    const { position } = document;
    const same = before?.value.position.hash === position.hash;
    const value = { ...this.#share(document), position };
    const held: Held = {
      value,
      head: headOf(value),
      source: same ? before.source : source,
      // what the stream has said once it may say again, whatever the file says of it since
      at: { position, source: same && before.at.source === 'stream' ? 'stream' : source },
    };
    try {
      this.#renew(held);
    } catch (error) {
      if (isSectionMissing(error) && before) this.#wait(held);
      throw error;
    }
    // services change all the time
    const told = before && !changedParts(before.value, value) ? 'debug' : 'info';
    this.#options.log[told]({ ...position, source, services: value.services.size }, 'configuration in force');
  }

  /** The labels' file may lag behind the pod by a minute, and endpoints do not wait for it. */
  #wait(held: Held): void {
    this.#waiting = held;
    this.#follow({ services: held.value.services });
  }

  /** Puts it into force, with the directory and the labels that there are now. */
  #renew(held = this.#document!): void {
    const { head, value } = held;
    const since = this.#document?.value.position.hash === value.position.hash ? this.since : this.#now();
    const section = sectionOf(head, this.#labels);
    const before = [this.#document, this.#waiting, this.since] as const;
    [this.#document, this.#waiting, this.since] = [held, undefined, since];
    try {
      this.#state.swap({
        document: head,
        section,
        services: value.services,
        directory: this.#directory?.value,
      });
    } catch (error) {
      [this.#document, this.#waiting, this.since] = before;
      throw error;
    }
  }

  /** Puts into force what needs no section: that one in force until now stays so. */
  #follow(change: Partial<Pick<ConfigState, 'services' | 'directory'>>): void {
    const { current } = this.config;
    if (!current) return;
    const { document, section, services, directory } = current;
    this.#state.swap({
      document,
      section: document.sections.indexOf(section),
      services,
      directory,
      ...change,
    });
  }
}
