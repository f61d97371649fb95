import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hash } from '../../core/proxyConfig/index.ts';
import { writeMounted } from './mounted.ts';
import { readStamp } from './stamp.ts';
import { refKey, type DocumentObject, type DocumentSink, type ExistingDocument, type View } from './types.ts';

const FILES = ['config.json', 'directory.json'];

/** Documents as folders `<out>/<namespace>/<name>/`, in the form in which kubelet would mount them. */
export class FileDocuments implements DocumentSink {
  readonly #out: string;
  readonly #hash: Hash;
  readonly #existing = new Map<string, ExistingDocument>();
  #version = 0;

  constructor(out: string, hash: Hash) {
    this.#out = out;
    this.#hash = hash;
  }

  /** Learns what an earlier run left, so that revisions go on where they were. */
  async start(): Promise<void> {
    for (const namespace of await foldersIn(this.#out)) {
      for (const name of await foldersIn(join(this.#out, namespace))) await this.#learn(namespace, name);
    }
  }

  get existing(): View<ExistingDocument> {
    return this.#existing;
  }

  /** Nobody else writes here, so there is nothing to call back for. */
  onChange(): void {}

  async apply(document: DocumentObject): Promise<ExistingDocument> {
    const { namespace, name, file, text, stamp, owner } = document;
    await writeMounted(join(this.#out, namespace, name), { [file]: text }, stamp.textHash);
    const existing: ExistingDocument = {
      namespace,
      name,
      uid: refKey(document),
      resourceVersion: String((this.#version += 1)),
      stamp,
      actualTextHash: stamp.textHash,
      ...(owner ? { ownerUid: owner.uid } : {}),
    };
    this.#existing.set(refKey(document), existing);
    return existing;
  }

  async remove(document: ExistingDocument): Promise<void> {
    await rm(join(this.#out, document.namespace, document.name), { recursive: true, force: true });
    this.#existing.delete(refKey(document));
  }

  async #learn(namespace: string, name: string): Promise<void> {
    for (const file of FILES) {
      const text = await readFile(join(this.#out, namespace, name, file), 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const textHash = this.#hash(text);
      const stamp = stampOf(text, textHash);
      if (!stamp) continue;
      const ref = { namespace, name };
      const key = refKey(ref);
      this.#existing.set(key, { ...ref, uid: key, resourceVersion: '0', stamp, actualTextHash: textHash });
    }
  }
}

const stampOf = (text: string, textHash: string): ExistingDocument['stamp'] => {
  try {
    return readStamp(JSON.stringify({ ...(JSON.parse(text) as object), textHash }));
  } catch {
    return undefined;
  }
};

const foldersIn = async (path: string): Promise<string[]> => {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
};
