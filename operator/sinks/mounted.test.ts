import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replaceFile, writeMounted } from './mounted.ts';

let root: string;
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'weft-mounted-'))));
afterEach(() => rm(root, { recursive: true, force: true }));

const folder = () => join(root, 'shop', 'weft.serviceaccount.cart');
const read = (name: string) => readFile(join(folder(), name), 'utf8');

it('changes all files by one link, as kubelet does, and keeps no old ones', async () => {
  await writeMounted(folder(), { 'tls.crt': 'c1', 'tls.key': 'k1' }, '1');
  await writeMounted(folder(), { 'tls.crt': 'c2', 'tls.key': 'k2' }, '2');
  expect(await Promise.all([read('tls.crt'), read('tls.key')])).toEqual(['c2', 'k2']);
  expect(await readlink(join(folder(), '..data'))).toBe('..v2');
  expect(await readlink(join(folder(), 'tls.crt'))).toBe('..data/tls.crt');
  expect((await readdir(folder())).sort()).toEqual(['..data', '..v2', 'tls.crt', 'tls.key']);
});

it('lets nobody else read the key', async () => {
  await writeMounted(folder(), { 'tls.key': 'k' }, '1');
  expect((await stat(join(folder(), 'tls.key'))).mode & 0o777).toBe(0o600);
  expect((await stat(folder())).mode & 0o777).toBe(0o700);
});

it('a reader never sees certificate and key of different versions', async () => {
  await writeMounted(folder(), { 'tls.crt': '0', 'tls.key': '0' }, '0');
  const state = { writing: true };
  const write = async (): Promise<void> => {
    for (let version = 1; version <= 30; version += 1) {
      await writeMounted(folder(), { 'tls.crt': `${version}`, 'tls.key': `${version}` }, `${version}`);
    }
    state.writing = false;
  };
  const mixed: string[] = [];
  const look = async (): Promise<void> => {
    while (state.writing) {
      // as the proxy reads: through one link, resolved once
      const data = join(folder(), await readlink(join(folder(), '..data')));
      const files = ['tls.crt', 'tls.key'].map((name) => readFile(join(data, name), 'utf8'));
      // a folder that is replaced in the meantime is gone, never half there
      const [crt, key] = await Promise.all(files).catch(() => ['gone', 'gone']);
      if (crt !== key) mixed.push(`${crt} ${key}`);
    }
  };
  await Promise.all([write(), look()]);
  expect(mixed).toEqual([]);
});

it('replaces a file whole', async () => {
  const path = join(root, 'status.json');
  await replaceFile(path, 'one');
  await replaceFile(path, 'two');
  expect(await readFile(path, 'utf8')).toBe('two');
  expect(await readdir(root)).toEqual(['status.json']);
});
