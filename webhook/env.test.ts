import { expect, test } from 'vitest';
import { readEnvironment } from './env.ts';

test('only the image is needed', () => {
  expect(readEnvironment({ WEFT_PROXY_IMAGE: 'weft:1' })).toEqual({
    systemNamespace: 'weft-system',
    trustDomain: 'cluster.local',
    revision: 'default',
    image: { name: 'weft:1' },
    tlsDirectory: '/etc/weft/tls',
    port: 8443,
    healthPort: 8080,
    logLevel: 'info',
    graceMs: 5_000,
  });
});

test('all can be said', () => {
  const env = readEnvironment({
    WEFT_PROXY_IMAGE: 'weft:1',
    WEFT_PROXY_IMAGE_PULL_POLICY: 'Never',
    WEFT_SYSTEM_NAMESPACE: 'mesh',
    WEFT_TRUST_DOMAIN: 'mesh.example',
    WEFT_REVISION: 'canary',
    WEFT_PORT: '9443',
    WEFT_LOG_LEVEL: 'debug',
    WEFT_GRACE_MS: '0',
  });
  expect(env).toMatchObject({
    image: { name: 'weft:1', pullPolicy: 'Never' },
    systemNamespace: 'mesh',
    graceMs: 0,
  });
  expect(env).toMatchObject({
    trustDomain: 'mesh.example',
    revision: 'canary',
    port: 9443,
    logLevel: 'debug',
  });
});

test.each([
  ['WEFT_PROXY_IMAGE', ''],
  ['WEFT_PROXY_IMAGE_PULL_POLICY', 'Sometimes'],
  ['WEFT_PORT', '70000'],
  ['WEFT_PORT', '8443x'],
  ['WEFT_LOG_LEVEL', 'loud'],
  ['WEFT_GRACE_MS', '-1'],
])('%s=%j is refused by name', (field, value) => {
  const read = () => readEnvironment({ WEFT_PROXY_IMAGE: 'weft:1', [field]: value });
  expect(read).toThrow(expect.objectContaining({ code: 'ENVIRONMENT_INVALID', field }));
});
