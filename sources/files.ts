/**
 * A mesh described by files: the same Kubernetes objects as a cluster has, in YAML or JSON. A file that cannot be
 * read keeps what it last said; all other files go on.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { WeftError } from '../core/errors/index.ts';
import type { Snapshot } from '../core/model/index.ts';
import { parseManifests, type Manifest } from './manifests.ts';
import { Assembly } from './assembly.ts';
import { SnapshotBuilder, type SnapshotSettings } from './snapshot.ts';
import { Announcer, type SnapshotSource } from './source.ts';

export interface FileSourceOptions extends SnapshotSettings {
  /** Files, and directories whose *.yaml, *.yml and *.json are read (not those of their subdirectories). */
  readonly paths: readonly string[];
  /** Of objects that name none. Default: `default`. */
  readonly namespace?: string;
  /** Each problem once, as long as it lasts: WeftError FILE_INVALID with file, document and field, or INVALID_ANNOTATION. */
  readonly onError: (error: Error) => void;
  /** Milliseconds since 1970. Revisions are made of it, so that they go on after a restart. */
  readonly now?: () => number;
}

/** Largest file that is read, in bytes. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;
/** Editors and `cp` write a file in several steps. */
const SETTLE_MS = 50;

interface KnownFile {
  /** Changes with every write. */
  readonly stamp: string;
  /** What it last said when it could be read. */
  readonly manifests: readonly Manifest[];
  readonly problem: string | undefined;
}

const isManifest = (name: string): boolean => /^[^.].*\.(ya?ml|json)$/.test(name);

export class FileSource implements SnapshotSource {
  readonly #options: FileSourceOptions;
  readonly #builder: SnapshotBuilder;
  readonly #assembly = new Assembly();
  readonly #announcer: Announcer;
  readonly #watchers: FSWatcher[] = [];
  #files = new Map<string, KnownFile>();
  #unreadable = new Map<string, string>();
  #revision = 0n;
  #reading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: FileSourceOptions) {
    this.#options = options;
    this.#builder = new SnapshotBuilder({ ...options, onProblem: options.onError });
    this.#announcer = new Announcer(options.onError);
  }

  get current(): Snapshot | undefined {
    return this.#announcer.current;
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): () => void {
    return this.#announcer.listen(listener);
  }

  async start(): Promise<Snapshot> {
    // watched first, so that no change falls between reading and watching
    for (const path of this.#options.paths) await this.#watch(path);
    await this.rescan();
    return this.#announcer.first;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    await this.#reading;
    this.#announcer.end();
  }

  /** Looks at all files again; resolves when what they say is announced. */
  rescan(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read());
    return this.#reading;
  }

  /** A file is watched by its directory: editors replace it, and what replaces it is another file. */
  async #watch(path: string): Promise<void> {
    const directory = (await isDirectory(path)) ? path : dirname(path);
    try {
      const watcher = watch(directory, (_event, name) => {
        if (name === null || isManifest(name) || name === basename(path)) this.#soon();
      });
      watcher.on('error', (error) => this.#options.onError(error));
      this.#watchers.push(watcher);
    } catch (cause) {
      this.#options.onError(unreadable(directory, cause));
    }
  }

  #soon(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.rescan(), SETTLE_MS);
  }

  async #read(): Promise<void> {
    if (this.#stopped) return;
    const next = new Map<string, KnownFile>();
    for (const file of await this.#list()) {
      const known = await this.#readFile(file, this.#files.get(file));
      if (known) next.set(file, known);
    }
    this.#files = next;
    if (!this.#stopped) this.#announce();
  }

  /** All files, each once, in the order of the options and then of their names. */
  async #list(): Promise<string[]> {
    const unreadableNow = new Map<string, string>();
    const lists = this.#options.paths.map(async (path) => {
      try {
        if (!(await isDirectory(path))) return [path];
        return (await readdir(path))
          .filter(isManifest)
          .sort()
          .map((name) => join(path, name));
      } catch (cause) {
        const error = unreadable(path, cause);
        unreadableNow.set(path, error.message);
        if (this.#unreadable.get(path) !== error.message) this.#options.onError(error);
        // an unmounted directory is no wish to forget everything
        return [...this.#files.keys()].filter((file) => dirname(file) === path);
      }
    });
    const files = [...new Set((await Promise.all(lists)).flat())];
    this.#unreadable = unreadableNow;
    return files;
  }

  async #readFile(file: string, known: KnownFile | undefined): Promise<KnownFile | undefined> {
    const failed = (error: Error, stamp: string): KnownFile => {
      if (known?.problem !== error.message) this.#options.onError(error);
      return { stamp, manifests: known?.manifests ?? [], problem: error.message };
    };
    let stamp = '';
    try {
      const { mtimeNs, size, ino } = await stat(file, { bigint: true });
      stamp = `${mtimeNs} ${size} ${ino}`;
      if (known?.stamp === stamp) return known;
      if (size > MAX_FILE_BYTES) throw tooLarge(file, size);
      const manifests = parseManifests(
        await readFile(file, 'utf8'),
        file,
        this.#options.namespace ?? 'default',
      );
      return { stamp, manifests, problem: undefined };
    } catch (cause) {
      if (cause instanceof WeftError) return failed(cause, stamp);
      // one that was deleted says nothing any more; a path of the options must exist
      const gone = (cause as NodeJS.ErrnoException).code === 'ENOENT' && !this.#options.paths.includes(file);
      return gone ? undefined : failed(unreadable(file, cause), stamp);
    }
  }

  #announce(): void {
    const lists = [...this.#files].map(([file, { manifests }]) => ({ file, manifests }));
    const { objects, changed, problems } = this.#assembly.assemble(lists);
    for (const problem of problems) this.#options.onError(problem);
    if (!changed && this.#announcer.current) return;
    const now = BigInt((this.#options.now ?? Date.now)());
    this.#revision = now > this.#revision ? now : this.#revision + 1n;
    this.#announcer.announce(this.#builder.build(objects, this.#revision.toString()));
  }
}

const isDirectory = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

const unreadable = (path: string, cause: unknown): WeftError =>
  new WeftError('FILE_INVALID', `cannot be read: ${(cause as Error).message}`, { resource: path, cause });

const tooLarge = (file: string, size: bigint): WeftError =>
  new WeftError('FILE_INVALID', `has ${size} bytes, more than ${MAX_FILE_BYTES}`, { resource: file });
