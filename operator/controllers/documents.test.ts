import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { COMPRESS_BYTES } from '../sinks/packed.ts';
import { DocumentsWorld, KEY } from '../testing/documentsWorld.ts';
import { wantedFile } from '../testing/model.ts';
import { CATCH_UP_MS } from './catchUp.ts';
import { MAX_DOCUMENT_BYTES, MIN_INTERVAL_MS } from './documents.ts';
import { LAZY_GATHER_MS, LAZY_INTERVAL_MS, LAZY_RATE, SOON_RATE } from './lazyTurns.ts';

let world: DocumentsWorld;

beforeEach(() => {
  world = new DocumentsWorld();
});

describe('writing', () => {
  it('a wanted document at once, whole, with its place in the order', async () => {
    world.want('h1', '100');
    expect(await world.reconcile()).toBeUndefined();
    const [written] = world.sink.written;
    expect(JSON.parse(written!.data as string)).toEqual({ hash: 'h1', epoch: 1, revision: '100' });
    expect(written!.owner?.uid).toBe('uid-cart');
    expect(world.hashInPlace).toBe('h1');
  });

  it('only when the content changes', async () => {
    await world.inPlace('h1', '100');
    world.want('h1', '200');
    await world.reconcile();
    expect(world.sink.written).toHaveLength(1);
  });

  it('nothing after a restart if nothing changed, not even before the watch caught up', async () => {
    await world.inPlace('h1', '100');
    world.restart();
    world.want('h1', '300');
    await world.reconcile();
    expect(world.sink.written).toHaveLength(1);
  });

  it('not twice while the watch has not shown the first', async () => {
    world.want('h1', '100');
    await world.reconcile();
    await world.reconcile();
    expect(world.sink.written).toHaveLength(1);
  });

  it('changes in quick succession at most every MIN_INTERVAL_MS, the last of them', async () => {
    world.want('h1', '100');
    await world.reconcile();
    world.want('h2', '101');
    expect(await world.reconcile()).toEqual({ requeueAfterMs: MIN_INTERVAL_MS });
    world.want('h3', '102');
    world.clock.advance(MIN_INTERVAL_MS);
    await world.reconcile();
    expect(world.sink.written.map(({ stamp }) => stamp.hash)).toEqual(['h1', 'h3']);
  });

  it('again where it belongs to a new owner of the same name', async () => {
    await world.inPlace('h1', '100');
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'uid-new' };
    world.want('h1', '110', { owner });
    await world.reconcile();
    expect(world.sink.written.at(-1)?.owner?.uid).toBe('uid-new');
  });

  it('compressed where it is long', async () => {
    const text = `"${'x'.repeat(COMPRESS_BYTES)}"`;
    world.want('h1', '100', { text: () => text });
    await world.reconcile();
    const [written] = world.sink.written;
    expect(written!.file).toBe('config.json.gz');
    expect(gunzipSync(written!.data as Uint8Array).toString()).toBe(text);
    world.deliver();
    expect(world.hashInPlace).toBe('h1');
  });

  it('not what is too large: it is reported once, and the last one stays', async () => {
    await world.inPlace('h1', '100');
    const text = randomBytes(MAX_DOCUMENT_BYTES).toString('hex');
    world.want('h2', '101', { text: () => text.repeat(2), shape: () => 's2' });
    await world.look(LAZY_INTERVAL_MS);
    world.want('h2', '102', { text: () => text.repeat(2), shape: () => 's3' });
    await world.look(LAZY_INTERVAL_MS);
    expect(world.incidents).toMatchObject([{ kind: 'tooLarge', bytes: expect.any(Number) as number }]);
    expect(world.hashInPlace).toBe('h1');
    expect([...world.documents.oversized]).toEqual([KEY]);
    world.want('h3', '103');
    await world.look(LAZY_INTERVAL_MS);
    expect(world.hashInPlace).toBe('h3');
    expect(world.documents.oversized.size).toBe(0);
  });

  it('not what is too large, and yet streams learn where it stands', async () => {
    await world.inPlace('h1', '100');
    const text = randomBytes(MAX_DOCUMENT_BYTES).toString('hex');
    world.inForce = [{ epoch: 1, revision: '900', hash: 'h0', streamed: true }];
    world.want('h2', '101', { text: () => text.repeat(2), shape: () => 's2' });
    await world.look(CATCH_UP_MS);
    await world.look(3 * LAZY_INTERVAL_MS);
    expect([...new Set(world.placed)]).toEqual(['1/100', '2/101']);
    expect(world.hashInPlace).toBe('h1');
  });

  it('in its turn when the turn was in vain, and no later', async () => {
    await world.inPlace('h1', '100');
    world.filesDueMs = Infinity;
    world.clock.advance(LAZY_INTERVAL_MS);
    world.want('h2', '101');
    const again = await world.reconcile();
    world.clock.advance(again!.requeueAfterMs);
    world.sink.failure = new Error('the API server is away');
    await expect(world.reconcile()).rejects.toThrow('away');
    await world.reconcile();
    expect(world.hashInPlace).toBe('h2');
  });

  it('again when it was refused, as by a conflict', async () => {
    world.want('h1', '100');
    world.sink.failure = new Error('conflict');
    await expect(world.reconcile()).rejects.toThrow('conflict');
    world.clock.advance(MIN_INTERVAL_MS);
    await world.reconcile();
    expect(world.hashInPlace).toBe('h1');
  });
});

describe('where only endpoints are other ones', () => {
  beforeEach(async () => {
    world.filesDueMs = Infinity;
    await world.inPlace('h1', '100');
  });

  it('and proxies have a stream, the file follows at most every LAZY_INTERVAL_MS', async () => {
    for (let second = 1; second <= 65; second += 1) {
      world.want(`h1-${second}`, String(100 + second));
      await world.look(1_000);
    }
    expect(world.sink.written.length).toBeLessThanOrEqual(4);
    await world.look(LAZY_INTERVAL_MS);
    expect(world.hashInPlace).toBe('h1-65');
  });

  it('and what comes back to what is in place costs nothing', async () => {
    for (let second = 1; second <= 60; second += 1) {
      world.want(second % 2 ? 'h2' : 'h1', String(100 + second));
      await world.look(LAZY_GATHER_MS / 4);
    }
    world.want('h1', '200');
    await world.look(LAZY_INTERVAL_MS);
    // turns that come while it differs are used
    expect(world.sink.written.length).toBeLessThanOrEqual(3);
    expect(world.hashInPlace).toBe('h1');
  });

  it.each([
    ['a proxy has only the file', {}, 0],
    ['a service came or went', { shape: () => 'other' }, Infinity],
    [
      'it has another owner',
      { owner: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: 'uid-new' } },
      Infinity,
    ],
  ])('but it is written at once where %s', async (_what, fields, due) => {
    world.filesDueMs = due;
    world.want('h2', '101', fields);
    expect(await world.reconcile()).toBeUndefined();
    expect(world.hashInPlace).toBe('h2');
  });

  it('and a proxy loses its stream, the file is written when that has lasted', async () => {
    world.want('h2', '101');
    world.filesDueMs = 300;
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 300 });
  });

  it.each([
    { what: 'have their stream', rate: LAZY_RATE, isLost: false },
    { what: 'have lost theirs, with something newer in force', rate: SOON_RATE, isLost: true },
  ])('and there are many documents whose proxies $what, they take turns', async ({ rate, isLost }) => {
    const keys = Array.from({ length: 150 }, (_, index) => `shop/weft.deployment.w${index}`);
    const wantAll = (hash: string): void => {
      for (const key of keys) world.desired.set(key, wantedFile(hash, { name: key.slice('shop/'.length) }));
    };
    wantAll('h1');
    for (const key of keys) await world.documents.reconcile(key);
    const before = world.sink.written.length;
    world.clock.advance(LAZY_INTERVAL_MS);
    wantAll('h2');
    world.revision = '200';
    world.filesDueMs = isLost ? 0 : Infinity;
    if (isLost) world.inForce = [{ epoch: 1, revision: '150', hash: 'h0', streamed: false }];
    const seconds = 20;
    for (let quarter = 0; quarter < 4 * seconds; quarter += 1) {
      world.clock.advance(250);
      for (const key of keys) await world.documents.reconcile(key);
    }
    const written = world.sink.written.length - before;
    expect(written).toBeLessThanOrEqual(rate.perSecond * seconds + rate.burst);
    expect(written).toBeGreaterThan((rate.perSecond * seconds) / 2);
  });
});
