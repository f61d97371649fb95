import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_USED } from '../../core/control/index.ts';
import { resources } from '../../kube/index.ts';
import { startApiServer, type ApiServer } from '../../kube/testing/apiServer.ts';
import { until } from '../../kube/testing/until.ts';
import { readPacked } from '../../proxy/config/mount.ts';
import { documentHash } from '../hash.ts';
import { FileDocuments } from './fileDocuments.ts';
import { KubernetesDocuments } from './kubernetesDocuments.ts';
import { COMPRESS_BYTES, packed, textHash } from './packed.ts';
import { readStamp } from './stamp.ts';
import type { DocumentObject, DocumentSink } from './types.ts';

const REF = { namespace: 'shop', name: 'weft.deployment.cart' };
const KEY = 'shop/weft.deployment.cart';

/** As Documents writes it; `filler` makes it long. */
async function objectOf(revision: string, filler = ''): Promise<DocumentObject> {
  const document = {
    epoch: 2,
    revision,
    hash: `hash ${revision}`,
    workload: { kind: 'deployment', namespace: 'shop', name: 'cart' },
    services: [
      { namespace: 'shop', name: 'web' },
      { namespace: 'bank', name: 'ledger' },
    ],
    filler,
  };
  const { file, data } = await packed('config.json', JSON.stringify(document));
  const { epoch, hash } = document;
  const stamp = { epoch, revision, hash, textHash: textHash(data, documentHash), used: ['bank/ledger'] };
  return { ...REF, file, data, stamp };
}

const isIntact = (sink: DocumentSink): boolean => {
  const existing = sink.existing.get(KEY);
  return existing !== undefined && existing.actualTextHash === existing.stamp?.textHash;
};

describe('in ConfigMaps', () => {
  let server: ApiServer;
  let sink: KubernetesDocuments;
  const configMap = () => server.objects.get(resources.configMaps, REF);

  beforeEach(async () => {
    server = await startApiServer();
    server.objects.namespace('shop');
    sink = new KubernetesDocuments({ client: server.client(), hash: documentHash, onError: () => {} });
    await sink.start();
  });
  afterEach(async () => {
    await sink.stop();
    await server.close();
  });

  it('goes from text to compressed and back, with one of the two at a time', async () => {
    const long = 'x'.repeat(COMPRESS_BYTES);
    for (const [revision, filler, key] of [
      ['1', '', 'config.json'],
      ['2', long, 'config.json.gz'],
      ['3', '', 'config.json'],
    ] as const) {
      await sink.apply(await objectOf(revision, filler));
      const { data = {}, binaryData = {} } = configMap()!;
      expect([...Object.keys(data), ...Object.keys(binaryData)]).toEqual([key]);
      await until('the watch', () => sink.existing.get(KEY)?.stamp?.revision === revision);
      expect(isIntact(sink)).toBe(true);
      expect(sink.existing.get(KEY)?.stamp?.used).toEqual(['bank/ledger']);
    }
  });

  it('sees what somebody did to a compressed one', async () => {
    await sink.apply(await objectOf('1', 'x'.repeat(COMPRESS_BYTES)));
    await until('the watch', () => isIntact(sink));
    server.objects.put(resources.configMaps, { ...configMap()!, binaryData: { 'config.json.gz': 'AAAA' } });
    await until('the damage', () => !isIntact(sink));
    expect(sink.existing.get(KEY)?.stamp?.revision).toBe('1');
  });
});

describe('in files', () => {
  let out: string;
  beforeEach(async () => (out = await mkdtemp(join(tmpdir(), 'weft-documents-'))));
  afterEach(() => rm(out, { recursive: true, force: true }));

  it.each([
    ['text', ''],
    ['compressed', 'x'.repeat(COMPRESS_BYTES)],
  ])('%s is known to the next run, with what the workload has used', async (_what, filler) => {
    const object = await objectOf('7', filler);
    await new FileDocuments(out, documentHash).apply(object);
    expect(await readdir(join(out, REF.namespace, REF.name))).toContain(object.file);
    const next = new FileDocuments(out, documentHash);
    await next.start();
    expect(next.existing.get(KEY)?.stamp).toEqual(object.stamp);
    expect(isIntact(next)).toBe(true);
  });

  it('is read by proxies as text, however it lies there', async () => {
    const sink = new FileDocuments(out, documentHash);
    for (const filler of ['x'.repeat(COMPRESS_BYTES), '']) {
      await sink.apply(await objectOf(`1${filler.length}`, filler));
      const text = await readPacked(join(out, REF.namespace, REF.name), 'config.json');
      expect(JSON.parse(text!)).toMatchObject({ revision: `1${filler.length}`, filler });
    }
  });

  it('goes from compressed to text without leaving the other behind', async () => {
    const sink = new FileDocuments(out, documentHash);
    await sink.apply(await objectOf('7', 'x'.repeat(COMPRESS_BYTES)));
    const object = await objectOf('8');
    await sink.apply(object);
    const next = new FileDocuments(out, documentHash);
    await next.start();
    expect(next.existing.get(KEY)?.stamp).toEqual(object.stamp);
  });
});

describe('a stamp', () => {
  const stamp = { epoch: 1, revision: '1', hash: 'h', textHash: 't', shape: 's', used: ['bank/ledger'] };

  it('is read as it was written', () => {
    expect(readStamp(JSON.stringify(stamp))).toEqual(stamp);
  });

  it.each([
    ['an epoch that no operator gives', { epoch: 1_000_001 }],
    ['a revision that is no number', { revision: 'abc' }],
    ['no hash', { hash: undefined }],
  ])('is none with %s', (_what, fields) => {
    expect(readStamp(JSON.stringify({ ...stamp, ...fields }))).toBeUndefined();
  });

  it.each([
    ['names that are no services', ['ledger']],
    ['more services than a workload may use', Array.from({ length: MAX_USED + 1 }, (_, i) => `bank/s${i}`)],
    ['no list', 'bank/ledger'],
  ])('remembers nothing used from %s', (_what, used) => {
    const { used: _used, ...rest } = stamp;
    expect(readStamp(JSON.stringify({ ...stamp, used }))).toEqual(rest);
  });
});
