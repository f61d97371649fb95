import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WeftError } from '../core/errors/index.ts';
import { accessOf, inClusterAccess, kubeconfigAccess } from './access.ts';
import { ManualClock } from './testing/manualClock.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weft-access-'));
});
afterEach(() => rm(directory, { recursive: true }));

const write = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);
const problem = async (promise: Promise<unknown>): Promise<WeftError> => {
  const error = await promise.catch((caught: unknown) => caught);
  if (error instanceof WeftError) return error;
  throw new Error(`no WeftError: ${String(error)}`);
};

describe('the ServiceAccount of a pod', () => {
  beforeEach(() =>
    Promise.all([write('token', 'one\n'), write('ca.crt', 'CA'), write('namespace', 'weft-system')]),
  );

  it('is read from its mounted files', async () => {
    const access = await inClusterAccess({ host: '10.96.0.1', port: '443', directory });
    expect(access).toMatchObject({ server: 'https://10.96.0.1:443', namespace: 'weft-system' });
    expect(await access.credentials()).toEqual({ ca: 'CA', headers: { authorization: 'Bearer one' } });
    const six = await inClusterAccess({ host: 'fd00::1', port: '6443', directory });
    expect(six.server).toBe('https://[fd00::1]:6443');
  });

  it('is read again after a minute, at once when asked, and kept while it cannot be read', async () => {
    const clock = new ManualClock();
    const access = await inClusterAccess({ host: '10.96.0.1', port: '443', directory, clock });
    const token = async (renew = false): Promise<string | undefined> =>
      (await access.credentials({ renew })).headers['authorization'];
    await write('token', 'two');
    clock.advance(59_000);
    expect(await token()).toBe('Bearer one');
    clock.advance(1_000);
    expect(await token()).toBe('Bearer two');
    await write('token', 'three');
    expect(await token(true)).toBe('Bearer three');
    await rm(join(directory, 'token'));
    clock.advance(60_000);
    expect(await token()).toBe('Bearer three');
  });

  it('must be there at the start', async () => {
    await rm(join(directory, 'token'));
    const error = await problem(inClusterAccess({ host: '10.96.0.1', port: '443', directory }));
    expect(error.code).toBe('KUBECONFIG_INVALID');
    expect(error.message).toContain('/token');
  });
});

const kubeconfig = (user: object, cluster: object = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
      { name: 'lost', context: { cluster: 'none', user: 'u' } },
    ],
    clusters: [
      {
        name: 'c',
        cluster: {
          server: 'https://kube.test:6443/',
          'certificate-authority-data': Buffer.from('CA').toString('base64'),
          ...cluster,
        },
      },
    ],
    users: [{ name: 'u', user }],
  });

describe('a kubeconfig', () => {
  const load = async (user: object, cluster?: object): ReturnType<typeof kubeconfigAccess> => {
    await write('config', kubeconfig(user, cluster));
    return kubeconfigAccess({ file: join(directory, 'config') });
  };

  it('gives certificates, tokens, names and passwords', async () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const certificates = await load({
      'client-certificate-data': base64('CERT'),
      'client-key-data': base64('KEY'),
    });
    expect(certificates).toMatchObject({ server: 'https://kube.test:6443', namespace: 'shop' });
    const found = await certificates.credentials();
    expect([found.ca, found.cert, found.key].map(String)).toEqual(['CA', 'CERT', 'KEY']);
    const token = await load({ token: 'abc' }, { 'tls-server-name': 'other.test' });
    expect(await token.credentials()).toMatchObject({
      servername: 'other.test',
      headers: { authorization: 'Bearer abc' },
    });
    const basic = await load({ username: 'ann', password: 'secret' });
    expect((await basic.credentials()).headers).toEqual({ authorization: `Basic ${base64('ann:secret')}` });
  });

  it('may run a program for a token', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'run' },
    };
    const program = `console.log(${JSON.stringify(JSON.stringify(credential))})`;
    const access = await load({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: ['-e', program],
        interactiveMode: 'Never',
      },
    });
    expect((await access.credentials()).headers).toEqual({ authorization: 'Bearer run' });
  });

  it('is refused where it leads nowhere', async () => {
    expect((await problem(kubeconfigAccess({ file: join(directory, 'absent') }))).message).toContain(
      'ENOENT',
    );
    await write('config', kubeconfig({}));
    const lost = await problem(kubeconfigAccess({ file: join(directory, 'config'), context: 'lost' }));
    expect(lost).toMatchObject({ code: 'KUBECONFIG_INVALID', field: 'current-context' });
    const proxied = await problem(load({}, { 'proxy-url': 'http://proxy.test:3128' }));
    expect(proxied.field).toBe('clusters[c].cluster.proxy-url');
  });

  it('comes before the ServiceAccount of a pod', async () => {
    await write('config', kubeconfig({ token: 'abc' }));
    const env = { KUBECONFIG: join(directory, 'config'), KUBERNETES_SERVICE_HOST: '10.96.0.1' };
    expect((await accessOf(env)).server).toBe('https://kube.test:6443');
  });
});
