/** What a rendered install was made from, as one hash: so that a stale one is found where there is no Helm. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const chart = join(root, 'charts', 'weft');
export const rendered = join(root, 'manifests', 'install.yaml');
export const DIGEST_LINE = /^# chart sha256: ([0-9a-f]{64})$/m;

/** SHA-256 over the path and content of every file of the chart, in the order of the paths. */
export async function chartDigest(folder = chart): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(join(folder, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
