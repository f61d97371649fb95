import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../kube/testing/until.ts';
import { CertificateWatch, readCertificate, type ServingCertificate } from './certificate.ts';
import { testAuthority, type TestAuthority } from './testing/serving.ts';

let authority: TestAuthority;
let directory: string;
let generation = 0;

/** As kubelet does it: a new folder, then the link `..data` is replaced by a rename. */
async function swap(files: Record<string, string>): Promise<void> {
  generation += 1;
  const folder = `..data_${generation}`;
  await mkdir(join(directory, folder));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(directory, folder, name), content);
  await symlink(folder, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  for (const name of Object.keys(files)) {
    await symlink(join('..data', name), join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

const files = ({ cert, key }: ServingCertificate) => ({ 'tls.crt': cert, 'tls.key': key });

beforeAll(async () => {
  authority = await testAuthority();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weft-webhook-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('readCertificate', () => {
  test('reads a pair that fits', async () => {
    const issued = await authority.issue();
    await swap(files(issued));
    expect(await readCertificate(directory)).toMatchObject({ cert: issued.cert, key: issued.key });
  });

  test('names what is missing or wrong', async () => {
    await expect(readCertificate(directory)).rejects.toMatchObject({ code: 'IDENTITY_MISSING' });
    const [one, two] = [await authority.issue(), await authority.issue()];
    const wrong: [Record<string, string>, string][] = [
      [{ 'tls.crt': 'x', 'tls.key': one.key }, 'tls.crt'],
      [{ 'tls.crt': one.cert, 'tls.key': 'x' }, 'tls.key'],
      [{ 'tls.crt': one.cert, 'tls.key': two.key }, 'tls.key'],
    ];
    for (const [content, field] of wrong) {
      await swap(content);
      await expect(readCertificate(directory)).rejects.toMatchObject({ code: 'IDENTITY_INVALID', field });
    }
  });
});

describe('CertificateWatch', () => {
  let watch: CertificateWatch;
  const loaded: string[] = [];
  const errors: Error[] = [];
  /** A poll so rare that only the file system's word can be why something was seen. */
  const start = (pollMs: number) => {
    loaded.length = 0;
    errors.length = 0;
    watch = new CertificateWatch({
      directory,
      pollMs,
      onCertificate: ({ cert }) => loaded.push(cert),
      onError: (error) => errors.push(error),
    });
  };
  afterEach(() => watch.close());

  test('waits for the first, then sees each swap at once', async () => {
    start(3_600_000);
    await until('the complaint that there is none', () => errors.length === 1);
    const [one, two] = [await authority.issue(), await authority.issue()];
    await swap(files(one));
    await until('the first', () => loaded.at(-1) === one.cert);
    await swap(files(two));
    await until('the second', () => loaded.at(-1) === two.cert);
    expect(watch.current).toMatchObject({ cert: two.cert });
  });

  test('keeps the last good one while files do not fit, and complains once', async () => {
    const [one, two] = [await authority.issue(), await authority.issue()];
    await swap(files(one));
    start(10);
    await until('the first', () => loaded.length === 1);
    await swap({ 'tls.crt': two.cert, 'tls.key': one.key });
    await until('a complaint', () => errors.length > 0);
    await swap(files(two));
    await until('the second', () => loaded.length === 2);
    expect(errors.map(String)).toEqual([expect.stringContaining('IDENTITY_INVALID')]);
    expect(watch.current).toMatchObject({ cert: two.cert });
  });

  test('reads now and then although the directory was not there at the start', async () => {
    const real = directory;
    directory = join(real, 'later');
    start(10);
    await until('a complaint', () => errors.length === 1);
    await mkdir(directory);
    const one = await authority.issue();
    await swap(files(one));
    await until('the first', () => loaded.length > 0);
    expect(loaded).toEqual([one.cert]);
    directory = real;
  });
});
