/** The rooms of Weft and what each may import (docs/ARCHITECTURE.md). An arrow not listed here is an error. */
const rooms = {
  'core/errors': [],
  'core/generated': [],
  'core/api': ['core/errors', 'core/generated'],
  'core/proxyConfig': ['core/errors', 'core/generated'],
  'core/control': ['core/proxyConfig', 'core/errors', 'core/generated'],
  'core/evaluate': ['core/proxyConfig'],
  'core/model': ['core/api'],
  'core/compile': ['core/'],
  certs: ['core/'],
  kube: ['core/'],
  sources: ['core/', 'kube/'],
  webhook: ['core/', 'certs/', 'kube/', 'sources/'],
  operator: ['core/', 'certs/', 'kube/', 'sources/'],
  proxy: [
    'core/proxyConfig',
    'core/evaluate',
    'core/control',
    'core/errors',
    'core/generated',
    'certs/request',
    'certs/verify',
  ],
  cli: ['core/', 'certs/', 'kube/', 'sources/', 'webhook/inject'],
};

const everyRoom = '^(core|certs|kube|sources|webhook|operator|proxy|cli|e2e|bench|fuzz|examples|scripts)/';

const roomRules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room.replace('/', '-')}`,
  comment: `${room} may import only: ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^${room}/`, pathNot: '\\.test\\.ts$' },
  to: {
    path: everyRoom,
    pathNot: [room, ...allowed].map((prefix) => `^${prefix}${prefix.endsWith('/') ? '' : '[/.]'}`),
  },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'core-is-pure',
      comment: 'core/** does no I/O: time, randomness and hashing are handed in',
      severity: 'error',
      from: { path: '^core/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-circular',
      comment: 'types may name each other across files; code that runs may not',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-test-import',
      comment: 'product code never imports tests or test doubles',
      severity: 'error',
      from: { pathNot: '(\\.test\\.ts$|/testing/|^e2e/|^bench/|^fuzz/)' },
      to: { path: '(\\.test\\.ts$|/testing/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.d.ts'] },
  },
};
