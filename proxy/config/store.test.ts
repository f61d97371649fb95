import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { Rule } from '../../core/proxyConfig/index.ts';
import type { Log } from '../context.ts';
import { readEnvironment } from '../env.ts';
import { variables } from '../testing/variables.ts';
import { firstOf } from './live.ts';
import { configFamilies } from './metrics.ts';
import { reportOf } from './report.ts';
import { startStore, type ConfigStore } from './store.ts';
import {
  directoryText,
  documentText,
  eventually,
  sectionOf,
  temporaryFolder,
  Volume,
} from './testing/volumes.ts';

const CART = 'spiffe://cluster.local/ns/shop/sa/cart';
const labels = { labels: 'app="cart"\npod-template-hash="x1"\n' };

let root: Awaited<ReturnType<typeof temporaryFolder>>;
let store: ConfigStore;
let mesh: TestMesh;
let warnings: object[];
let config: Volume;
let directory: Volume;
let identity: Volume;
let podInfo: Volume;

function start(now?: () => Date, pollMs = 200): ConfigStore {
  const log: Log = { debug() {}, info() {}, warn: (fields) => void warnings.push(fields), error() {} };
  const folders = {
    config: config.folder,
    directory: directory.folder,
    identity: identity.folder,
    podInfo: podInfo.folder,
  };
  store = startStore({ folders, spiffeId: CART, log, pollMs, settleMs: 10, ...(now && { now }) });
  return store;
}

beforeEach(async () => {
  root = await temporaryFolder();
  warnings = [];
  [config, directory, identity, podInfo] = ['config', 'directory', 'identity', 'pod'].map(
    (name) => new Volume(join(root.path, name)),
  ) as [Volume, Volume, Volume, Volume];
  for (const { folder } of [config, directory, identity, podInfo]) await mkdir(folder);
  mesh = await createTestMesh();
  await podInfo.write(labels);
});

afterEach(async () => {
  store.stop();
  await root.remove();
});

const code = (subject: 'config' | 'directory' | 'identity') => store.refusal(subject)?.code;

describe('documents', () => {
  it('come into force when their volume is filled later, and each newer one after it', async () => {
    start();
    await eventually(() => code('config') === 'CONFIG_MISSING');
    await config.write({ 'config.json': documentText() });
    const first = await firstOf(store.config);
    expect(first.document.revision).toBe('10');
    expect(code('config')).toBeUndefined();
    await config.write({ 'config.json': documentText({ revision: '11' }) });
    await eventually(() => store.config.current?.document.revision === '11');
    await directory.write({ 'directory.json': directoryText() });
    await eventually(() => store.config.current?.directory?.revision === '10');
  });

  it('are noticed by the swap of the volume, without waiting for the next look', async () => {
    await config.write({ 'config.json': documentText() });
    start(undefined, 3_600_000);
    await firstOf(store.config);
    await config.write({ 'config.json': documentText({ revision: '11' }) });
    await eventually(() => store.config.current?.document.revision === '11');
    await config.write({ 'config.json': documentText({ revision: '12' }) });
    await eventually(() => store.config.current?.document.revision === '12');
    expect(store.refusals.filter(({ subject }) => subject === 'config')).toEqual([]);
  });

  it('come into force when even their folder appears later', async () => {
    await rm(config.folder, { recursive: true });
    start();
    await eventually(() => code('config') === 'CONFIG_MISSING');
    await config.write({ 'config.json': documentText() });
    await eventually(() => store.config.current !== undefined);
    expect(code('config')).toBeUndefined();
  });

  it('stay in force while newer ones are refused, which is told once with field and reason', async () => {
    await config.write({ 'config.json': documentText() });
    const state = await firstOf(start().config);
    const families = configFamilies(store);
    const environment = readEnvironment(variables());
    const broken = documentText({ revision: '12', telemetry: { accessLog: 'Some' as 'All' } });
    await config.write({ 'config.json': broken });
    await eventually(() => code('config') === 'DOCUMENT_INVALID');
    expect(store.config.current).toBe(state);
    expect(store.refusal('config')).toMatchObject({ field: 'telemetry.accessLog' });
    expect(reportOf(environment, store)).toMatchObject({
      inForce: { revision: '10', resources: { 'MeshPolicy/shop/cart': { generation: 3 } } },
      refused: { code: 'DOCUMENT_INVALID', field: 'telemetry.accessLog' },
    });
    await config.write({ 'config.json': broken });
    await config.write({ 'config.json': documentText({ revision: '12' }).replace('cart', 'card') });
    await eventually(() => code('config') === 'DOCUMENT_HASH_MISMATCH');
    const told = warnings.filter((fields) => (fields as { subject?: string }).subject === 'config');
    expect(told).toHaveLength(2);
    const text = families.map((family) => family.expose()).join('');
    expect(text).toContain('weft_config_reload_failures_total{code="DOCUMENT_INVALID"} 1');
    expect(text).toContain('weft_config_refused{subject="config"} 1');
    expect(text).toContain('weft_config_generation{resource="MeshPolicy/shop/cart"} 3');
    await config.write({ 'config.json': documentText({ revision: '13' }) });
    await eventually(() => store.config.current?.document.revision === '13');
    expect(store.refusals.filter(({ subject }) => subject === 'config')).toEqual([]);
    expect(reportOf(environment, store).refused?.code).not.toBe('DOCUMENT_HASH_MISMATCH');
  });

  it('never go back to an older revision, unless the epoch grew', async () => {
    await config.write({ 'config.json': documentText({ revision: '100' }) });
    await firstOf(start().config);
    await config.write({ 'config.json': documentText({ revision: '99', services: [], resources: {} }) });
    await eventually(() => code('config') === 'DOCUMENT_STALE');
    await config.write({ 'config.json': documentText({ epoch: 2, revision: '1' }) });
    await eventually(() => store.config.current?.document.epoch === 2);
    expect(store.config.current?.document.revision).toBe('1');
  });

  it('are read compressed, and refused where they cannot be unpacked', async () => {
    await config.write({ 'config.json.gz': gzipSync(documentText()) });
    expect((await firstOf(start().config)).document.revision).toBe('10');
    await config.write({ 'config.json.gz': gzipSync(documentText({ revision: '11' })).subarray(0, 50) });
    await directory.write({ 'directory.json.gz': gzipSync(directoryText()) });
    await eventually(() => code('config') === 'DOCUMENT_INVALID' && store.config.current?.directory);
    await config.write({ 'config.json.gz': gzipSync(documentText({ revision: '12' })) });
    await eventually(() => store.config.current?.document.revision === '12');
    expect(code('config')).toBeUndefined();
  });

  it('stay when the file goes away', async () => {
    await config.write({ 'config.json': documentText() });
    const state = await firstOf(start().config);
    await config.write({});
    await eventually(() => code('config') === 'CONFIG_MISSING');
    expect(store.config.current).toBe(state);
  });

  it('are chosen from by the labels of the pod, also when these change', async () => {
    const sections = [sectionOf({ app: 'web' }), sectionOf({ app: 'cart', version: 'v2' })];
    await config.write({ 'config.json': documentText({ sections }) });
    start();
    await eventually(() => code('config') === 'SECTION_MISSING');
    expect(store.refusal('config')?.message).toContain('[["app","cart"]]');
    await podInfo.write({ labels: 'version="v2"\napp="cart"\n' });
    expect((await firstOf(store.config)).section.labels).toEqual({ app: 'cart', version: 'v2' });
  });

  it('with a policy that cannot be judged are refused whole, by field', async () => {
    const section = sectionOf({ app: 'cart' });
    const rule: Rule = { policy: 'shop/p', name: 'r', action: 'Deny', from: [{ ipBlocks: ['10.0.0.0/40'] }] };
    section.inbound.authorization.rules = [rule];
    await config.write({ 'config.json': documentText({ sections: [section] }) });
    start();
    await eventually(() => code('config') === 'DOCUMENT_INVALID');
    expect(store.refusal('config')?.field).toBe(
      'sections[0].inbound.authorization.rules[0].from[0].ipBlocks[0]',
    );
  });

  it('do not lose a newer directory that comes while config.json is refused', async () => {
    await config.write({ 'config.json': documentText() });
    await directory.write({ 'directory.json': directoryText() });
    const { document } = await firstOf(start().config);
    await config.write({ 'config.json': '{corrupt' });
    await eventually(() => code('config') !== undefined);
    await directory.write({ 'directory.json': directoryText({ revision: '15' }) });
    await eventually(() => store.config.current?.directory?.revision === '15');
    expect(store.config.current?.document).toBe(document);
    expect(code('config')).toBeDefined();
    await config.write({ 'config.json': documentText({ revision: '16' }) });
    await eventually(() => store.config.current?.document.revision === '16');
    expect(store.config.current?.directory?.revision).toBe('15');
  });

  it('use a directory that came before the first good config.json', async () => {
    await config.write({ 'config.json': '{corrupt' });
    await directory.write({ 'directory.json': directoryText() });
    start();
    await eventually(() => code('config') !== undefined);
    await config.write({ 'config.json': documentText() });
    expect((await firstOf(store.config)).directory?.revision).toBe('10');
  });

  it('are read apart from a file that cannot be, which is told as its own until it can', async () => {
    await config.write({ 'config.json': documentText() });
    await directory.write({ 'directory.json': directoryText() });
    await firstOf(start().config);
    const huge = 'x'.repeat(4 * 1024 * 1024 + 1);
    await directory.write({ 'directory.json': huge });
    await eventually(() => code('directory') === 'DOCUMENT_INVALID');
    expect(code('config')).toBeUndefined();
    await config.write({ 'config.json': documentText({ revision: '11' }) });
    await eventually(() => store.config.current?.document.revision === '11');
    await directory.write({ 'directory.json': directoryText() });
    await eventually(() => code('directory') === undefined);
    await podInfo.write({ labels: huge });
    await eventually(() => code('config') === 'SECTION_MISSING');
    expect(store.refusal('config')?.message).toContain('is larger than');
    await podInfo.write(labels);
    await eventually(() => code('config') === undefined);
  });

  it('are used without a directory while that is refused', async () => {
    await config.write({ 'config.json': documentText() });
    await directory.write({ 'directory.json': '{}' });
    const state = await firstOf(start().config);
    expect(state.directory).toBeUndefined();
    expect(code('directory')).toBe('DOCUMENT_VERSION_UNKNOWN');
  });
});

describe('certificates', () => {
  it('are replaced by newer ones, all files at once', async () => {
    await identity.write({ ...(await mesh.workload('shop', 'cart')) });
    const first = await firstOf(start().identity);
    expect(first.spiffeId).toBe(CART);
    await identity.write({ ...(await mesh.workload('shop', 'cart')) });
    await eventually(() => store.identity.current?.serial !== first.serial);
    expect(
      configFamilies(store)
        .map((family) => family.expose())
        .join(''),
    ).toContain(
      `weft_certificate_expiry_timestamp_seconds{spiffe_id="${CART}"} ${Math.round(first.notAfter.getTime() / 1000)}`,
    );
  });

  it('stay in use while newer files do not fit, and the reason never shows a key', async () => {
    const good = await mesh.workload('shop', 'cart');
    const other = await mesh.workload('shop', 'cart');
    await identity.write({ ...good });
    const first = await firstOf(start().identity);
    await identity.write({ ...other, 'tls.key': good['tls.key'] });
    await eventually(() => code('identity') === 'IDENTITY_INVALID');
    expect(store.refusal('identity')?.field).toBe('tls.key');
    await identity.write({ ...other, 'tls.key': good['tls.key'].replace(/[A-Z]/g, 'A') });
    await identity.write({ ...(await mesh.workload('shop', 'web')) });
    await eventually(() => code('identity') === 'IDENTITY_REFUSED');
    const foreign = await (await createTestMesh()).workload('shop', 'cart');
    await identity.write({ ...foreign, 'ca.crt': mesh.bundle });
    await eventually(() => code('identity') === 'IDENTITY_INVALID');
    expect(store.identity.current).toBe(first);
    expect(JSON.stringify(warnings)).not.toContain('PRIVATE');
    await identity.write({ ...other });
    await eventually(() => store.identity.current !== first && code('identity') === undefined);
  });

  it('that are not valid yet come into use when they are', async () => {
    let now = new Date(Date.now() - 24 * 3_600_000);
    await identity.write({ ...(await mesh.workload('shop', 'cart')) });
    start(() => now);
    await eventually(() => code('identity') === 'CERTIFICATE_EXPIRED');
    now = new Date();
    await eventually(() => store.identity.current !== undefined);
    expect(code('identity')).toBeUndefined();
  });

  it('are read from a plain folder whose files come one by one', async () => {
    start();
    await eventually(() => code('identity') === 'IDENTITY_MISSING');
    const files = Object.entries(await mesh.workload('shop', 'cart'));
    for (const [name, text] of files) await writeFile(join(identity.folder, name), text);
    await firstOf(store.identity);
    const serial = store.identity.current!.serial;
    for (const [name, text] of Object.entries(await mesh.workload('shop', 'cart')))
      await writeFile(join(identity.folder, name), text);
    await eventually(() => store.identity.current?.serial !== serial);
    expect(code('identity')).toBeUndefined();
  });
});
