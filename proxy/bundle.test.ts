import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { builtins } from '../scripts/builtins.ts';

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

it("takes Node's own modules without what only some of their exports need", async () => {
  const loaded = "process.moduleLoadList.some((name) => name.includes('undici'))";
  const { outputFiles } = await build({
    stdin: {
      contents: `import http, { createServer } from 'node:http';
        console.log(createServer === http.createServer, (await import('node:http')).Server === http.Server, ${loaded});`,
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    plugins: [builtins],
  });
  const script = outputFiles[0]!.text;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(printed.trim()).toBe('true true false');
});
