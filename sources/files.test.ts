import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../core/model/index.ts';
import { FileSource } from './index.ts';
import { settings } from './testing/mesh.ts';

let directory: string;
let source: FileSource;
let errors: string[];
let seen: Snapshot[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weft-files-'));
  errors = [];
  seen = [];
});

afterEach(async () => {
  await source.stop();
  await rm(directory, { recursive: true });
});

const put = (name: string, text: string) => writeFile(join(directory, name), text);

function open(options: { paths?: string[]; now?: () => number } = {}): Promise<Snapshot> {
  source = new FileSource({
    ...settings,
    paths: [directory],
    namespace: 'shop',
    onError: (error) => errors.push(String(error)),
    ...options,
  });
  source.onSnapshot((snapshot) => seen.push(snapshot));
  return source.start();
}

/** The first snapshot, seen or to come, that is as wanted. */
function until(wanted: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
  return new Promise((resolve) => {
    const stop = source.onSnapshot((snapshot) => {
      if (!wanted(snapshot)) return;
      resolve(snapshot);
      queueMicrotask(() => stop());
    });
  });
}

const policy = (mode: string, name = 'p') =>
  `apiVersion: mesh.weft.dev/v1alpha1\nkind: MeshPolicy\nmetadata: {name: ${name}}\nspec: {mtls: {mode: ${mode}}}\n`;
const account = (name: string) => `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ${name}}\n`;
const modes = ({ policies }: Snapshot) => policies.map(({ spec }) => spec.mtls?.mode);

describe('files', () => {
  it('of a directory make a snapshot; other names are left alone', async () => {
    await put('a.yaml', policy('Strict'));
    await put('b.yml', account('cart'));
    await put('c.json', JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }));
    await put('d.txt', 'a: [');
    await put('.e.yaml', 'a: [');
    const snapshot = await open();
    expect(modes(snapshot)).toEqual(['Strict']);
    expect([...snapshot.serviceAccounts.keys(), ...snapshot.services.keys()]).toEqual([
      'shop/cart',
      'shop/s',
    ]);
    expect([errors, seen]).toEqual([[], [snapshot]]);
  });

  it('need not name what objects imply: namespaces and ServiceAccounts', async () => {
    await put(
      'a.yaml',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: bank}\nspec: {template: {spec: {serviceAccountName: teller}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: p}}',
    );
    const snapshot = await open();
    expect([...snapshot.namespaces.keys()].sort()).toEqual(['bank', 'shop']);
    expect([...snapshot.serviceAccounts.keys()].sort()).toEqual(['bank/teller', 'shop/default']);
  });

  it('that change are read again; a change of the spec is a new generation', async () => {
    await put('a.yaml', policy('Strict'));
    const first = await open();
    await put('a.yaml', policy('Permissive'));
    const second = await until((snapshot) => modes(snapshot)[0] === 'Permissive');
    const [before, after] = [first, second].map(({ policies }) => policies[0]?.metadata);
    expect([before?.generation, after?.generation]).toEqual([1, 2]);
    expect(after?.uid).toBe(before?.uid);
    expect(BigInt(second.revision)).toBeGreaterThan(BigInt(first.revision));
  });

  it('that come, are replaced or go are followed', async () => {
    await put('a.yaml', account('a'));
    await open();
    await put('b.tmp', account('b'));
    await rename(join(directory, 'b.tmp'), join(directory, 'b.yaml'));
    const grown = await until(({ serviceAccounts }) => serviceAccounts.size === 2);
    await unlink(join(directory, 'a.yaml'));
    const shrunk = await until(({ serviceAccounts }) => serviceAccounts.size === 1);
    expect([...shrunk.serviceAccounts.keys()]).toEqual(['shop/b']);
    expect(shrunk.serviceAccounts.get('shop/b')).toBe(grown.serviceAccounts.get('shop/b'));
  });

  it('that cannot be read keep what they last said; all others go on', async () => {
    await put('a.yaml', policy('Strict', 'a'));
    await put('b.yaml', policy('Strict', 'b'));
    await open();
    await put('a.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: 80}\n');
    await put('b.yaml', policy('Permissive', 'b'));
    const snapshot = await until((each) => modes(each)[1] === 'Permissive');
    expect(modes(snapshot)).toEqual(['Strict', 'Permissive']);
    await source.rescan();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(
      `FILE_INVALID ${join(directory, 'a.yaml')} spec.ports: document 0, spec.ports: must be array`,
    );
    await put('a.yaml', policy('Disabled', 'a'));
    await until((each) => modes(each)[0] === 'Disabled');
  });

  it('that say the same again make no new snapshot', async () => {
    await put('a.yaml', policy('Strict'));
    await open();
    await put('a.yaml', `# said differently\n${policy('Strict')}`);
    await source.rescan();
    await source.rescan();
    expect(seen).toHaveLength(1);
  });

  it('that say something of the same object: the first counts, and the second is told once', async () => {
    await put('a.yaml', policy('Strict'));
    await put('b.yaml', policy('Disabled'));
    expect(modes(await open())).toEqual(['Strict']);
    await put('c.yaml', account('c'));
    await until(({ serviceAccounts }) => serviceAccounts.size === 1);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('b.yaml: MeshPolicy shop/p is in');
  });

  it('may be named one by one, and may come later', async () => {
    const path = join(directory, 'late.yaml');
    const first = await open({ paths: [path] });
    expect(first.policies).toEqual([]);
    expect(errors[0]).toContain('cannot be read');
    await put('late.yaml', policy('Strict'));
    await until((snapshot) => modes(snapshot)[0] === 'Strict');
  });

  it('have revisions that go on where the clock stands still or goes back', async () => {
    await put('a.yaml', policy('Strict'));
    const times = [5_000, 4_000];
    await open({ now: () => times.shift() ?? 0 });
    await put('a.yaml', policy('Permissive'));
    await until((snapshot) => modes(snapshot)[0] === 'Permissive');
    expect(seen.map(({ revision }) => revision)).toEqual(['5000', '5001']);
  });
});

describe('a listener', () => {
  it('that throws does not keep others from hearing', async () => {
    await put('a.yaml', policy('Strict'));
    await open();
    source.onSnapshot(() => {
      throw new Error('listener');
    });
    let heard = 0;
    const stop = source.onSnapshot(() => (heard += 1));
    stop();
    expect([heard, errors]).toEqual([1, ['Error: listener']]);
  });
});
