/** Bundles each binary into one file in dist/. Native addons stay beside it: a bundle cannot hold them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { builtins } from './builtins.ts';

const root = join(import.meta.dirname, '..');
const binaries: Record<string, string> = {
  webhook: 'webhook/main.ts',
  operator: 'operator/main.ts',
  proxy: 'proxy/main.ts',
  init: 'proxy/init/main.ts',
  weft: 'cli/main.ts',
};

await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(
    Object.entries(binaries).filter(([, file]) => existsSync(join(root, file))),
  ),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  external: ['koffi'],
  sourcemap: 'linked',
  plugins: [builtins],
  // the source stays in memory; names are kept for stack traces, and one character beyond ASCII would double it
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  charset: 'ascii',
  logLevel: 'warning',
  // bundled CommonJS packages call require() for Node's own modules
  banner: {
    js: "import { createRequire as weftRequire } from 'node:module'; const require = weftRequire(import.meta.url);",
  },
});
