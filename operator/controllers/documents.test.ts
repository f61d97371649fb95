import { beforeEach, describe, expect, it } from 'vitest';
import { compareRevision } from '../../core/proxyConfig/index.ts';
import { documentHash } from '../hash.ts';
import { MemoryDocuments } from '../testing/memoryDocuments.ts';
import {
  CATCH_UP_MS,
  Documents,
  MAX_DOCUMENT_BYTES,
  MIN_INTERVAL_MS,
  REMOVE_MS,
  REPAIR_MS,
  type DesiredDocument,
  type DocumentIncident,
  type InForce,
} from './documents.ts';

const KEY = 'shop/weft.deployment.cart';
let sink: MemoryDocuments;
let documents: Documents;
let now: number;
let inForce: InForce | undefined;
let incidents: DocumentIncident[];

const start = (): void => {
  documents = new Documents({
    sink,
    hash: documentHash,
    monotonic: () => now,
    inForce: () => inForce,
    onIncident: (incident) => incidents.push(incident),
    onWritten: () => {},
  });
};

const document = (hash: string, fields: object = {}): DesiredDocument => ({
  namespace: 'shop',
  name: 'weft.deployment.cart',
  file: 'config.json',
  content: { hash, ...fields },
  owner: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'uid-cart' },
});

const want = (hash: string | undefined, revision: string, fields: object = {}): string[] =>
  documents.setDesired(new Map(hash === undefined ? [] : [[KEY, document(hash, fields)]]), revision);

const positions = (): string[] => sink.written.map(({ stamp }) => `${stamp.epoch}/${stamp.revision}`);

beforeEach(() => {
  sink = new MemoryDocuments();
  now = 1_000_000;
  inForce = undefined;
  incidents = [];
  start();
});

/** What is wanted is in place, and the watch has shown it. */
async function inPlace(hash: string, revision: string): Promise<void> {
  want(hash, revision);
  await documents.reconcile(KEY);
  sink.deliver();
  documents.observed(KEY);
  now += MIN_INTERVAL_MS;
}

describe('writing', () => {
  it('a wanted document at once, whole, with its place in the order', async () => {
    expect(want('h1', '100')).toEqual([KEY]);
    expect(await documents.reconcile(KEY)).toBeUndefined();
    const [written] = sink.written;
    expect(JSON.parse(written!.text)).toEqual({ hash: 'h1', epoch: 1, revision: '100' });
    expect(written!.owner?.uid).toBe('uid-cart');
    expect(documents.hashInPlace(KEY)).toBe('h1');
  });

  it('only when the content changes', async () => {
    await inPlace('h1', '100');
    expect(want('h1', '200')).toEqual([]);
    await documents.reconcile(KEY);
    expect(sink.written).toHaveLength(1);
  });

  it('nothing after a restart if nothing changed, not even before the watch caught up', async () => {
    await inPlace('h1', '100');
    start();
    want('h1', '300');
    for (const key of documents.keys()) await documents.reconcile(key);
    expect(sink.written).toHaveLength(1);
  });

  it('not twice while the watch has not shown the first', async () => {
    want('h1', '100');
    await documents.reconcile(KEY);
    await documents.reconcile(KEY);
    expect(sink.written).toHaveLength(1);
  });

  it('changes in quick succession at most every MIN_INTERVAL_MS, the last of them', async () => {
    want('h1', '100');
    await documents.reconcile(KEY);
    want('h2', '101');
    expect(await documents.reconcile(KEY)).toEqual({ requeueAfterMs: MIN_INTERVAL_MS });
    want('h3', '102');
    now += MIN_INTERVAL_MS;
    await documents.reconcile(KEY);
    expect(sink.written.map(({ stamp }) => stamp.hash)).toEqual(['h1', 'h3']);
  });

  it('again where it belongs to a new owner of the same name', async () => {
    await inPlace('h1', '100');
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'uid-new' };
    const changed = documents.setDesired(new Map([[KEY, { ...document('h1'), owner }]]), '110');
    expect(changed).toEqual([KEY]);
    await documents.reconcile(KEY);
    expect(sink.written.at(-1)?.owner?.uid).toBe('uid-new');
  });

  it('not what is too large: it is reported once, and the last one stays', async () => {
    await inPlace('h1', '100');
    want('h2', '101', { text: 'x'.repeat(MAX_DOCUMENT_BYTES) });
    await documents.reconcile(KEY);
    await documents.reconcile(KEY);
    expect(incidents).toMatchObject([{ kind: 'tooLarge', bytes: expect.any(Number) as number }]);
    expect(documents.hashInPlace(KEY)).toBe('h1');
    want('h3', '102');
    await documents.reconcile(KEY);
    expect(documents.hashInPlace(KEY)).toBe('h3');
  });

  it('again when it was refused, as by a conflict', async () => {
    want('h1', '100');
    sink.failure = new Error('conflict');
    await expect(documents.reconcile(KEY)).rejects.toThrow('conflict');
    now += MIN_INTERVAL_MS;
    await documents.reconcile(KEY);
    expect(documents.hashInPlace(KEY)).toBe('h1');
  });
});

describe('the order of documents', () => {
  it('goes on by the revision', async () => {
    await inPlace('h1', '100');
    want('h2', '101');
    await documents.reconcile(KEY);
    expect(positions()).toEqual(['1/100', '1/101']);
  });

  it('goes on by the epoch where the content changes at the same revision', async () => {
    await inPlace('h1', '100');
    want('h2', '100');
    await documents.reconcile(KEY);
    expect(positions()).toEqual(['1/100', '2/100']);
  });

  it('waits for a watch that lags behind a former leader, then takes revisions as restarted', async () => {
    await inPlace('h1', '500');
    start();
    want('h2', '400');
    expect(await documents.reconcile(KEY)).toEqual({ requeueAfterMs: CATCH_UP_MS });
    now += CATCH_UP_MS;
    await documents.reconcile(KEY);
    expect(positions()).toEqual(['1/500', '2/400']);
  });

  it('needs no new epoch where the watch caught up', async () => {
    await inPlace('h1', '500');
    start();
    want('h2', '400');
    await documents.reconcile(KEY);
    want('h2', '501');
    await documents.reconcile(KEY);
    expect(positions()).toEqual(['1/500', '1/501']);
  });

  it('comes after what a proxy has in force, as when the cluster was restored from a backup', async () => {
    await inPlace('h1', '100');
    now += CATCH_UP_MS;
    inForce = { epoch: 3, revision: '900', hash: 'h0' };
    await documents.reconcile(KEY);
    expect(positions()).toEqual(['1/100', '4/100']);
  });

  it('comes after a document of the same place and other content, which proxies took first', async () => {
    await inPlace('h1', '100');
    inForce = { epoch: 1, revision: '100', hash: 'h0' };
    await documents.reconcile(KEY);
    expect(positions()).toEqual(['1/100', '2/100']);
  });

  it('survives that somebody deletes the document', async () => {
    await inPlace('h1', '100');
    want('h2', '100');
    await documents.reconcile(KEY);
    sink.delete(KEY);
    sink.deliver();
    documents.observed(KEY);
    now += MIN_INTERVAL_MS;
    await documents.reconcile(KEY);
    const [before, after] = sink.written.slice(-2);
    expect(compareRevision(after!.stamp, before!.stamp)).toBeGreaterThan(0);
  });
});

describe('what somebody else did', () => {
  it('is repaired after REPAIR_MS and told once, with the same place in the order', async () => {
    await inPlace('h1', '100');
    sink.damage(KEY);
    sink.deliver();
    documents.observed(KEY);
    expect(await documents.reconcile(KEY)).toEqual({ requeueAfterMs: REPAIR_MS });
    expect(documents.hashInPlace(KEY)).toBeUndefined();
    expect(documents.isDamaged(KEY)).toBe(true);
    now += REPAIR_MS - 1;
    expect(await documents.reconcile(KEY)).toEqual({ requeueAfterMs: 1 });
    now += 1;
    await documents.reconcile(KEY);
    expect(sink.written[1]?.text).toBe(sink.written[0]?.text);
    expect(incidents).toMatchObject([{ kind: 'changed', repairMs: REPAIR_MS }]);
    expect(documents.isDamaged(KEY)).toBe(false);
  });

  it('is no damage where it was deleted', async () => {
    await inPlace('h1', '100');
    sink.delete(KEY);
    sink.deliver();
    documents.observed(KEY);
    expect(documents.isDamaged(KEY)).toBe(false);
  });

  it('does not hold back a change that is wanted', async () => {
    await inPlace('h1', '100');
    sink.damage(KEY);
    sink.deliver();
    documents.observed(KEY);
    want('h2', '101');
    expect(await documents.reconcile(KEY)).toBeUndefined();
    expect(documents.hashInPlace(KEY)).toBe('h2');
  });
});

describe('removing', () => {
  it('what is not wanted any more, after a while in which it may be wanted again', async () => {
    await inPlace('h1', '100');
    expect(want(undefined, '101')).toEqual([KEY]);
    expect(await documents.reconcile(KEY)).toEqual({ requeueAfterMs: REMOVE_MS });
    want('h1', '102');
    await documents.reconcile(KEY);
    want(undefined, '103');
    expect(await documents.reconcile(KEY)).toEqual({ requeueAfterMs: REMOVE_MS });
    now += REMOVE_MS;
    await documents.reconcile(KEY);
    expect(sink.removed).toEqual([KEY]);
  });

  it.each([
    ['has another name', { namespace: 'shop', name: 'settings' }],
    ['was not written by us', { namespace: 'shop', name: 'weft.deployment.cart', stamp: undefined }],
  ])('nothing that %s, whatever its labels say', async (_what, fields) => {
    const key = `shop/${fields.name}`;
    const stamp = { epoch: 1, revision: '1', hash: 'h', textHash: 't' };
    const { stamp: given, ...ref } = { stamp, ...fields };
    sink.existing.set(key, {
      ...ref,
      uid: 'u',
      resourceVersion: '1',
      actualTextHash: 't',
      ...(given ? { stamp: given } : {}),
    });
    expect(documents.keys()).toEqual([key]);
    await documents.reconcile(key);
    now += REMOVE_MS;
    await documents.reconcile(key);
    expect(sink.removed).toEqual([]);
  });
});
