import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files by their name: the keys of a ConfigMap or Secret. */
export type Mounted = Readonly<Record<string, string | Uint8Array>>;

const DATA = '..data';

/**
 * Writes a folder as kubelet mounts a ConfigMap or Secret: the files lie in a folder of their own, `..data` points at
 * it, and one rename of that link makes all of them change at once. Readers see the same thing with and without a cluster.
 */
export async function writeMounted(folder: string, files: Mounted, version: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const target = `..v${version}`;
  const before = await readlink(join(folder, DATA)).catch(() => undefined);
  if (before === target) return;
  await mkdir(join(folder, target), { recursive: true, mode: 0o700 });
  for (const [name, data] of Object.entries(files)) {
    await writeFile(join(folder, target, name), data, { mode: 0o600 });
  }
  await swapLink(join(folder, DATA), target);
  for (const name of Object.keys(files)) await ensureLink(join(folder, name), join(DATA, name));
  for (const name of await readdir(folder)) {
    if (name.startsWith('..v') && name !== target)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function swapLink(path: string, target: string): Promise<void> {
  const temporary = `${path}_tmp`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
}

async function ensureLink(path: string, target: string): Promise<void> {
  const present = await readlink(path).catch(() => undefined);
  if (present !== target) await swapLink(path, target);
}

/** Replaces one file so that a reader sees the old or the new one, never a part. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.tmp`, text, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}
