import { describe, expect, it } from 'vitest';
import { readEnvironment, runDir } from './env.ts';
import { dataListeners } from './listeners.ts';
import { variables } from './testing/variables.ts';

describe('environment', () => {
  it('is read with its defaults', () => {
    expect(readEnvironment(variables())).toMatchObject({
      pod: { name: 'cart-1', ips: ['10.0.0.7', 'fd00::7'], node: '' },
      configDir: '/etc/weft/config',
      runDir: '/run/weft',
      control: { host: 'weft-operator.weft-system.svc', port: 15010 },
      logLevel: undefined,
      drainMs: undefined,
      ports: { outbound: 15001, inbound: 15006, admin: 15000, metrics: 15020, health: 15021 },
      listen: undefined,
    });
  });

  it('takes what is set', () => {
    const environment = readEnvironment(
      variables({
        WEFT_LOG_LEVEL: 'debug',
        WEFT_DRAIN_MS: '0',
        WEFT_HEALTH_PORT: '0',
        WEFT_CONTROL: '[::1]:9',
        WEFT_LISTEN: JSON.stringify({
          inbound: [{ listen: '127.0.0.1:0', port: 8080, dial: '[::1]:31001' }],
          outbound: [{ listen: '127.0.0.1:24001', destination: '10.96.0.5:8080' }],
        }),
        WEFT_PROBES: JSON.stringify({
          '/app-health/web/livez': { httpGet: { path: 'x', port: 80, scheme: 'https' }, timeoutSeconds: 3 },
          '/app-health/web/readyz': { tcpSocket: { port: 81 } },
          '/app-health/web/startupz': { grpc: { port: 82, service: null } },
        }),
      }),
    );
    expect(environment).toMatchObject({
      logLevel: 'Debug',
      drainMs: 0,
      ports: { health: 0 },
      control: { host: '::1', port: 9 },
      listen: {
        inbound: [
          {
            listen: { host: '127.0.0.1', port: 0 },
            fixed: { port: 8080, dial: { host: '::1', port: 31001 } },
          },
        ],
        outbound: [{ fixed: { host: '10.96.0.5', port: 8080 } }],
      },
    });
    expect(Object.fromEntries(environment.probes)).toEqual({
      '/app-health/web/livez': {
        kind: 'http',
        scheme: 'HTTPS',
        path: '/x',
        port: 80,
        headers: [],
        timeoutMs: 3000,
      },
      '/app-health/web/readyz': { kind: 'tcp', port: 81, timeoutMs: 1000 },
      '/app-health/web/startupz': { kind: 'grpc', port: 82, service: '', timeoutMs: 1000 },
    });
  });

  it.each([
    ['WEFT_POD_NAME', ''],
    ['WEFT_POD_NAMESPACE', 'Shop'],
    ['WEFT_POD_UID', undefined],
    ['WEFT_POD_IPS', '10.0.0'],
    ['WEFT_SERVICE_ACCOUNT', 'a/b'],
    ['WEFT_TRUST_DOMAIN', 'a b'],
    ['WEFT_CONFIG_DIR', 'relative'],
    ['WEFT_CONTROL', 'operator'],
    ['WEFT_CONTROL', 'operator:0'],
    ['WEFT_CONTROL', '::1:15010'],
    ['WEFT_LOG_LEVEL', 'Loud'],
    ['WEFT_DRAIN_MS', '-1'],
    ['WEFT_DRAIN_MS', '1e3'],
    ['WEFT_ADMIN_PORT', '65536'],
    ['WEFT_WORKERS', '0'],
    ['WEFT_WORKERS', '17'],
    ['WEFT_WORKERS', 'two'],
    ['WEFT_LISTEN', '{'],
    ['WEFT_LISTEN', '[]'],
    ['WEFT_LISTEN', '{"inbond":[]}'],
    ['WEFT_LISTEN', '{"inbound":[{"listen":"127.0.0.1:1","dial":"127.0.0.1:2"}]}'],
    ['WEFT_LISTEN', '{"outbound":[{"listen":"localhost:1","destination":"10.0.0.1:2"}]}'],
    ['WEFT_LISTEN', '{"outbound":[{"listen":"127.0.0.1:1","destination":"10.0.0.1:0"}]}'],
    ['WEFT_PROBES', '{"/healthz":{"tcpSocket":{"port":1}}}'],
    ['WEFT_PROBES', '{"/app-health/web/livez":{"exec":{}}}'],
    ['WEFT_PROBES', '{"/app-health/web/livez":{"tcpSocket":{"port":"http"}}}'],
    ['WEFT_PROBES', '{"/app-health/web/livez":{"httpGet":{"port":1,"scheme":"FTP"}}}'],
    ['WEFT_PROBES', '{"/app-health/web/livez":{"httpGet":{"port":1,"httpHeaders":[{"name":"a b"}]}}}'],
    [
      'WEFT_PROBES',
      '{"/app-health/web/livez":{"httpGet":{"port":1,"httpHeaders":[{"name":"a","value":"\\n"}]}}}',
    ],
    ['WEFT_PROBES', '{"/app-health/web/livez":{"tcpSocket":{"port":1},"timeoutSeconds":0}}'],
  ])('refuses %s=%s by its name', (name, value) => {
    expect(() => readEnvironment(variables({ [name]: value }))).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_INVALID', field: name }),
    );
  });

  it('lets several workers share ports of known numbers', () => {
    expect(readEnvironment(variables()).workers).toBe(1);
    const two = readEnvironment(variables({ WEFT_WORKERS: '2' }));
    expect(two.workers).toBe(2);
    const { inbound, outbound } = dataListeners(two);
    expect([...inbound, ...outbound].map(({ listen }) => listen)).toEqual([
      { host: '::', port: 15006, shared: true },
      { host: '127.0.0.1', port: 15001, shared: true },
      { host: '::1', port: 15001, shared: true },
    ]);
    const chosen = '{"inbound":[{"listen":"127.0.0.1:0","port":80,"dial":"127.0.0.1:2"}]}';
    for (const change of [{ WEFT_LISTEN: chosen }, { WEFT_INBOUND_PORT: '0' }]) {
      expect(readEnvironment(variables(change)).workers).toBe(1);
      expect(() => readEnvironment(variables({ ...change, WEFT_WORKERS: '2' }))).toThrow(
        expect.objectContaining({ code: 'ENVIRONMENT_INVALID', field: 'WEFT_WORKERS' }),
      );
    }
  });

  it('of the drain command needs nothing but the folder', () => {
    expect(runDir({ WEFT_RUN_DIR: '/tmp/x' })).toBe('/tmp/x');
    expect(runDir({})).toBe('/run/weft');
  });
});
