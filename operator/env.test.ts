import { expect, it } from 'vitest';
import { readEnv } from './env.ts';

const good = { WEFT_POD_NAME: 'weft-operator-1', WEFT_POD_IP: '10.0.0.7' };

it('fills in what may be absent', () => {
  expect(readEnv(good)).toMatchObject({
    systemNamespace: 'weft-system',
    clusterDomain: 'cluster.local',
    trustDomain: 'cluster.local',
    logLevel: 'info',
  });
});

it('takes what is there', () => {
  const env = {
    ...good,
    WEFT_SYSTEM_NAMESPACE: 'mesh',
    WEFT_CLUSTER_DOMAIN: 'k8s.example',
    WEFT_TRUST_DOMAIN: 'example.org',
    WEFT_LOG_LEVEL: 'Debug',
    WEFT_POD_IP: 'fd00::7',
  };
  expect(readEnv(env)).toMatchObject({
    systemNamespace: 'mesh',
    clusterDomain: 'k8s.example',
    trustDomain: 'example.org',
    logLevel: 'debug',
    podIp: 'fd00::7',
  });
});

it.each([
  ['WEFT_POD_NAME', ''],
  ['WEFT_POD_IP', '10.0.0'],
  ['WEFT_LOG_LEVEL', 'loud'],
])('names %s where it is wrong', (field, value) => {
  const read = () => readEnv({ ...good, [field]: value });
  expect(read).toThrow(expect.objectContaining({ code: 'ENVIRONMENT_INVALID', field }) as Error);
});
