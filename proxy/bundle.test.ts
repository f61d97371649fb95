import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** What every pod of the mesh would load into memory. */
const packagesOf = async (entry: string): Promise<string[]> => {
  const { metafile } = await build({
    absWorkingDir: join(import.meta.dirname, '..'),
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    outdir: 'dist',
  });
  const packages = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '');
  return [...new Set(packages)].filter((name) => name !== '');
};

it.each(['proxy/main.ts', 'proxy/init/main.ts'])('%s brings no package along', async (entry) => {
  expect(await packagesOf(entry)).toEqual([]);
});
