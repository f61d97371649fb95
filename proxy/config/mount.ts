/**
 * Mounted volumes. Kubelet writes a volume into a new folder and then swaps the symbolic link `..data` to it, so that
 * all files change at once; each file is a link into `..data`. Plain folders (processes without Kubernetes) work too.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Texts by file name; undefined where a file is not there. */
export type Files = Readonly<Record<string, string | undefined>>;

export interface Mounted {
  files: Files;
  /** True where all files are of one generation for sure. */
  atomic: boolean;
}

/** Largest file that is read: what Kubernetes stores in one object is smaller. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Of a compressed one, when it is not. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const MAX_ATTEMPTS = 5;

/** Large documents are compressed. */
const PACKED = '.gz';
const unpack = promisify(gunzip);

/** What cannot be unpacked is refused as a document that is none, and nothing else that is read with it. */
const unpacked = (bytes: Buffer): Promise<string> =>
  unpack(bytes, { maxOutputLength: MAX_UNPACKED_BYTES }).then(
    String,
    (error: Error) => `cannot be unpacked: ${error.message}`,
  );

const isMissing = (error: unknown) =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

async function readText(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new RangeError(`${path} is larger than ${MAX_FILE_BYTES} bytes`);
    if (!path.endsWith(PACKED)) return await readFile(path, 'utf8');
    return await unpacked(await readFile(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Where `..data` leads; undefined in a plain folder. */
async function generation(folder: string): Promise<string | undefined> {
  try {
    return await readlink(join(folder, '..data'));
  } catch {
    return undefined;
  }
}

/** Reads files of one generation. Rejects where a file is there but cannot be read. */
export async function readMount(folder: string, names: readonly string[]): Promise<Mounted> {
  for (let attempt = 1; ; attempt++) {
    const before = await generation(folder);
    // through `..data` itself, so that a swap in between cannot mix generations
    const from = before === undefined ? folder : join(folder, before);
    const texts = await Promise.all(names.map((name) => readText(join(from, name))));
    const after = await generation(folder);
    if (before === after || attempt === MAX_ATTEMPTS) {
      const files = Object.fromEntries(names.map((name, i) => [name, texts[i]]));
      return { files, atomic: before !== undefined && before === after };
    }
  }
}

/** Text of one file, or of it compressed, which has `.gz` after its name. Undefined where there is neither. */
export async function readPacked(folder: string, name: string): Promise<string | undefined> {
  const { files } = await readMount(folder, [name, `${name}${PACKED}`]);
  return files[name] ?? files[`${name}${PACKED}`];
}

export interface WatchOptions {
  folder: string;
  onChange: () => void;
  /** How often is looked even without a sign of change, in ms. */
  pollMs: number;
  /** Quiet time after a sign of change, in ms: several files of a plain folder change one after the other. */
  settleMs: number;
}

/** Pause between attempts to watch a folder that is not there yet. */
const APPEAR_MS = 1000;

/**
 * Calls back after changes in a folder, also one that appears later. Signs can be lost (inotify has bounds that all
 * pods of a node share), so there is a slow look in any case. Returns the way to stop.
 */
export function watchMount({ folder, onChange, pollMs, settleMs }: WatchOptions): () => void {
  let watcher: FSWatcher | undefined;
  let settle: NodeJS.Timeout | undefined;
  let appear: NodeJS.Timeout | undefined;
  let stopped = false;

  function changed(): void {
    clearTimeout(settle);
    settle = setTimeout(onChange, settleMs);
  }

  function lost(): void {
    watcher?.close();
    watcher = undefined;
    if (stopped) return;
    clearTimeout(appear);
    appear = setTimeout(() => {
      start();
      onChange();
    }, APPEAR_MS);
  }

  function start(): void {
    try {
      watcher = watch(folder, (event, name) => {
        changed();
        // the folder itself was moved or removed: this watcher sees nothing more
        if (event === 'rename' && name !== null && folder.endsWith(`/${name}`)) lost();
      });
      watcher.on('error', lost);
    } catch {
      lost();
    }
  }

  start();
  const poll = setInterval(onChange, pollMs);
  return () => {
    stopped = true;
    watcher?.close();
    clearInterval(poll);
    clearTimeout(settle);
    clearTimeout(appear);
  };
}
