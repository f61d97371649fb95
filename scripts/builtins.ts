import type { Plugin } from 'esbuild';

/**
 * Takes Node's own modules by process.getBuiltinModule instead of `import`: an `import` of node:http reads each of its
 * exports, WebSocket among them, which loads all of undici (6 MB in every proxy; docs/performance.md).
 */
export const builtins: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};
