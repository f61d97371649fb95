import { stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from './config/testing/volumes.ts';
import { DrainState, requestDrain, startControlSocket } from './drain.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const closing: { close(): void }[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  for (const server of closing.splice(0)) server.close();
  await folder.remove();
});

const statusOf = (method: string, path: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const socketPath = join(folder.path, 'control.sock');
    request({ socketPath, path, method }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

describe('a drain', () => {
  it('is begun once, by the socket, which is for this user alone', async () => {
    const drain = new DrainState();
    let told = 0;
    drain.onDrain(() => (told += 1));
    closing.push(await startControlSocket(folder.path, drain));
    expect((await stat(join(folder.path, 'control.sock'))).mode & 0o777).toBe(0o600);
    expect(await statusOf('GET', '/drain')).toBe(405);
    expect(await statusOf('POST', '/config')).toBe(404);
    expect(drain.draining).toBe(false);
    await requestDrain(folder.path);
    await requestDrain(folder.path);
    expect([drain.draining, told]).toEqual([true, 1]);
  });

  it('takes over the socket that an ended container left', async () => {
    await writeFile(join(folder.path, 'control.sock'), '');
    const drain = new DrainState();
    closing.push(await startControlSocket(folder.path, drain));
    await requestDrain(folder.path);
    expect(drain.draining).toBe(true);
  });

  it('is refused clearly where no proxy runs', async () => {
    await expect(requestDrain(folder.path)).rejects.toThrow('ENOENT');
  });
});
