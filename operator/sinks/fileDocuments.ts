import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { serviceKey, type Hash } from '../../core/proxyConfig/index.ts';
import { textHash } from './packed.ts';
import { writeMounted } from './mounted.ts';
import { readStamp } from './stamp.ts';
import {
  refKey,
  type DocumentObject,
  type DocumentSink,
  type DocumentStamp,
  type ExistingDocument,
  type View,
} from './types.ts';

const FILES = ['config.json', 'config.json.gz', 'directory.json', 'directory.json.gz'];
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

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
    const { namespace, name, file, data, stamp, owner } = document;
    await writeMounted(join(this.#out, namespace, name), { [file]: data }, stamp.textHash);
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
      const stored = await readFile(join(this.#out, namespace, name, file)).catch(() => undefined);
      if (!stored) continue;
      const isCompressed = file.endsWith('.gz');
      const text = isCompressed ? unpacked(stored) : stored.toString('utf8');
      const hash = textHash(isCompressed ? stored : text, this.#hash);
      const stamp = stampOf(text, { namespace, textHash: hash });
      if (!stamp) continue;
      const ref = { namespace, name };
      const key = refKey(ref);
      this.#existing.set(key, { ...ref, uid: key, resourceVersion: '0', stamp, actualTextHash: hash });
    }
  }
}

/** No text where it is damaged. */
function unpacked(data: Uint8Array): string {
  try {
    return gunzipSync(data, { maxOutputLength: MAX_UNPACKED_BYTES }).toString('utf8');
  } catch {
    return '';
  }
}

/** There are no annotations beside files: what a workload has called is in its document. */
function stampOf(
  text: string,
  { namespace, textHash }: { namespace: string; textHash: string },
): ExistingDocument['stamp'] {
  try {
    const document = JSON.parse(text) as {
      services?: { namespace: string; name: string }[];
      workload?: object;
    };
    const foreign = (document.services ?? []).filter((service) => service.namespace !== namespace);
    const used = document.workload ? foreign.map(serviceKey) : [];
    const { epoch, revision, hash } = document as Partial<DocumentStamp>;
    return readStamp(JSON.stringify({ epoch, revision, hash, textHash, used }));
  } catch {
    return undefined;
  }
}

const foldersIn = async (path: string): Promise<string[]> => {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
};
