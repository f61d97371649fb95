/** Folders as kubelet makes them, and documents to put there. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DOCUMENT_VERSION,
  sealDirectory,
  sealDocument,
  type Directory,
  type ProxyConfig,
} from '../../../core/proxyConfig/index.ts';
import { documentHash } from '../position.ts';

/** Folders of this test; remove them with the function. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'weft-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A volume that changes as kubelet does it: a new folder, then a swap of `..data`. */
export class Volume {
  readonly folder: string;
  #generation = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  get written(): boolean {
    return this.#generation > 0;
  }

  async write(files: Record<string, string | Buffer>): Promise<void> {
    const before = `..generation_${this.#generation}`;
    const next = `..generation_${++this.#generation}`;
    await mkdir(join(this.folder, next), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.folder, next, name), text);
    await symlink(next, join(this.folder, '..data_tmp'));
    await rename(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
    for (const name of Object.keys(files))
      await symlink(join('..data', name), join(this.folder, name)).catch(() => {});
    await rm(join(this.folder, before), { recursive: true, force: true });
  }
}

/** A document with its hash, as the operator writes it. */
export function documentText(change: Partial<ProxyConfig> = {}): string {
  const document: ProxyConfig = {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '10',
    hash: '',
    workload: { kind: 'deployment', namespace: 'shop', name: 'cart' },
    resources: { 'MeshPolicy/shop/cart': { uid: 'u1', generation: 3 } },
    trust: { trustDomain: 'cluster.local' },
    telemetry: { accessLog: 'All' },
    settings: { logLevel: 'Info', connectTimeoutMs: 5000, idleTimeoutMs: 3_600_000, drainMs: 25_000 },
    sections: [sectionOf({ app: 'cart' })],
    services: [],
    ...change,
  };
  return JSON.stringify(sealDocument(document, documentHash));
}

export const sectionOf = (labels: Record<string, string>): ProxyConfig['sections'][number] => ({
  labels,
  inbound: {
    mtls: { mode: 'Permissive', ports: {} },
    authorization: { default: 'Allow', policies: [], rules: [] },
  },
  protocols: {},
});

export function directoryText(change: Partial<Directory> = {}): string {
  const directory: Directory = {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '10',
    hash: '',
    services: [],
    ...change,
  };
  return JSON.stringify(sealDirectory(directory, documentHash));
}

/** Waits until the condition holds; fails with its last value after ten seconds. */
export async function eventually(condition: () => unknown): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
