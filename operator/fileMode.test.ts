import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { annotation, container } from '../core/model/names.ts';
import { parseDirectory, parseProxyConfig, type ProxyConfig } from '../core/proxyConfig/index.ts';
import { until } from '../kube/testing/until.ts';
import { runFileOperator, type FileOperator } from './fileMode.ts';
import { documentHash } from './hash.ts';
import type { StatusFile } from './sinks/fileStatus.ts';
import { ProxyClient, type Files } from './testing/proxyClient.ts';

let root: string;
let operator: FileOperator | undefined;
let client: ProxyClient | undefined;

const source = () => join(root, 'source');
const out = (...path: string[]) => join(root, 'out', ...path);
const read = (...path: string[]) => readFile(out(...path), 'utf8').catch(() => undefined);

async function put(name: string, ...objects: object[]): Promise<void> {
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  await writeFile(join(root, `.${name}`), text);
  await rename(join(root, `.${name}`), join(source(), name));
}

const namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'weft.dev/injection': 'enabled' } },
};
const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'cart', namespace: 'shop' } };
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'cart', namespace: 'shop' },
  spec: {
    selector: { matchLabels: { app: 'cart' } },
    template: {
      metadata: { labels: { app: 'cart' } },
      spec: { serviceAccountName: 'cart', containers: [{ name: 'cart', ports: [{ containerPort: 8080 }] }] },
    },
  },
};
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'cart-0',
    namespace: 'shop',
    uid: 'uid-cart-0',
    labels: { app: 'cart', 'pod-template-hash': 'abc' },
    annotations: { [annotation.proxy]: JSON.stringify({ version: '0.1.0', wires: ['weft-tcp/1'] }) },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-abc', uid: 'rs', controller: true },
    ],
  },
  spec: {
    serviceAccountName: 'cart',
    nodeName: 'laptop',
    initContainers: [{ name: container.proxy }],
    containers: [{ name: 'cart' }],
  },
  status: {
    phase: 'Running',
    podIP: '127.0.0.1',
    initContainerStatuses: [{ name: container.proxy, ready: true, started: true }],
  },
};
const policy = (spec: object) => ({
  apiVersion: 'mesh.weft.dev/v1alpha1',
  kind: 'MeshPolicy',
  metadata: { name: 'cart', namespace: 'shop' },
  spec,
});

async function start(): Promise<void> {
  operator = await runFileOperator({
    sourceDir: source(),
    outDir: out(),
    controlAddress: { host: '127.0.0.1', port: 0 },
    log: pino({ level: 'silent' }),
  });
}

async function config(): Promise<ProxyConfig | undefined> {
  const text = await read('shop', 'weft.deployment.cart', 'config.json');
  return text === undefined ? undefined : parseProxyConfig(text, documentHash);
}

async function status(): Promise<StatusFile['policies'][string] | undefined> {
  const text = await read('status.json');
  return text === undefined ? undefined : (JSON.parse(text) as StatusFile).policies['shop/cart'];
}

const applied = async () => (await status())?.conditions?.find(({ type }) => type === 'Applied');
const identity = ['shop', 'weft.serviceaccount.cart'] as const;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'weft-operator-'));
  await mkdir(source());
  await put('cluster.yaml', namespace, account, deployment, pod);
});

afterEach(async () => {
  await client?.close();
  await operator?.stop();
  [client, operator] = [undefined, undefined];
  await rm(root, { recursive: true, force: true });
});

it('writes what kubelet would mount: document, directory and identity', async () => {
  await start();
  await until('the document', async () => (await config()) !== undefined);
  await until(
    'the directory',
    async () => (await read('shop', 'weft.directory', 'directory.json')) !== undefined,
  );
  await until('the identity', async () => (await read(...identity, 'tls.crt')) !== undefined);
  expect((await config())?.workload).toEqual({ kind: 'deployment', namespace: 'shop', name: 'cart' });
  expect(
    parseDirectory((await read('shop', 'weft.directory', 'directory.json'))!, documentHash).services,
  ).toEqual([]);
  const leaf = new X509Certificate((await read(...identity, 'tls.crt'))!);
  expect(leaf.subjectAltName).toBe('URI:spiffe://cluster.local/ns/shop/sa/cart');
  expect(await readlink(out(...identity, 'tls.key'))).toBe('..data/tls.key');
});

it('takes the report of a proxy and says APPLIED in status.json', async () => {
  await put('policy.yaml', policy({ mtls: { mode: 'Strict' } }));
  await start();
  await until(
    'the policy in the document',
    async () => (await config())?.resources['MeshPolicy/shop/cart'] !== undefined,
  );
  await until('the identity', async () => (await read(...identity, 'ca.crt')) !== undefined);
  await until('the control port', () => operator?.controlPort !== undefined);
  await until('Pending', async () => (await applied())?.reason === 'Pending');
  const files = { 'tls.crt': '', 'tls.key': '', 'ca.crt': '' } as Record<keyof Files, string>;
  for (const name of Object.keys(files) as (keyof Files)[]) files[name] = (await read(...identity, name))!;
  client = await ProxyClient.connect(operator!.controlPort!, files);
  const { epoch, revision, hash, resources } = (await config())!;
  client.report({
    version: 'weft.dev/control/v1',
    pod: { namespace: 'shop', name: 'cart-0', uid: 'uid-cart-0' },
    workload: { kind: 'deployment', name: 'cart' },
    proxyVersion: '0.1.0',
    inForce: { epoch, revision, hash, since: new Date().toISOString(), resources },
  });
  await until('Applied', async () => (await applied())?.status === 'True');
  expect(await status()).toMatchObject({ applied: '1/1', late: [] });
});

it('says which field of a policy is wrong, and goes on with the last good form', async () => {
  await put('policy.yaml', policy({ mtls: { mode: 'Strict' } }));
  await start();
  await until('the policy', async () => (await config())?.sections[0]?.inbound.mtls.mode === 'Strict');
  await put('policy.yaml', policy({ mtls: { mode: 'Stric' } }));
  await until('the status', async () => (await status())?.conditions?.[0]?.status === 'False');
  expect((await status())?.conditions?.[0]?.message).toContain('spec.mtls.mode');
  expect((await config())?.sections[0]?.inbound.mtls.mode).toBe('Strict');
});

it('issues anew at once when certificates are to live shorter', async () => {
  await start();
  await until('the identity', async () => (await read(...identity, 'tls.crt')) !== undefined);
  const before = await read(...identity, 'tls.crt');
  await put('mesh.yaml', {
    apiVersion: 'mesh.weft.dev/v1alpha1',
    kind: 'MeshConfig',
    metadata: { name: 'default' },
    spec: { identity: { leafLifetime: '1h' } },
  });
  await until('another certificate', async () => (await read(...identity, 'tls.crt')) !== before);
  const leaf = new X509Certificate((await read(...identity, 'tls.crt'))!);
  expect(leaf.validToDate.getTime() - Date.now()).toBeLessThanOrEqual(60 * 60 * 1000);
});

it('goes on after a restart with the same root, and rewrites no document that has not changed', async () => {
  await start();
  await until('the identity', async () => (await read(...identity, 'ca.crt')) !== undefined);
  await until('the document', async () => (await config()) !== undefined);
  const [ca, document] = [await read(...identity, 'ca.crt'), await config()];
  const before = await read(...identity, 'tls.crt');
  await operator?.stop();
  await start();
  await until('a certificate of the new run', async () => (await read(...identity, 'tls.crt')) !== before);
  expect(await read(...identity, 'ca.crt')).toBe(ca);
  expect(await config()).toEqual(document);
});

it.each(['{"root.crt":"AAAA"}', '{'])(
  'never overwrites an authority that is damaged: %s',
  async (damaged) => {
    await start();
    await until('the authority', async () => (await read('authority.json')) !== undefined);
    await operator?.stop();
    operator = undefined;
    await writeFile(out('authority.json'), damaged);
    await expect(start()).rejects.toMatchObject({ code: 'AUTHORITY_INVALID' });
    expect(await read('authority.json')).toBe(damaged);
  },
);
