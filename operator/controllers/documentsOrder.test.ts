import { beforeEach, describe, expect, it } from 'vitest';
import { compareRevision } from '../../core/proxyConfig/index.ts';
import { DocumentsWorld, KEY } from '../testing/documentsWorld.ts';
import { CATCH_UP_MS, MAX_PUT_OFF_MS } from './catchUp.ts';
import { EPOCH_LEAD, MAX_EPOCH, readStamp } from '../sinks/stamp.ts';
import { RAISE_INTERVAL_MS } from './claims.ts';
import { MIN_INTERVAL_MS, REMOVE_MS, REPAIR_MS } from './documents.ts';
import { LAZY_INTERVAL_MS } from './lazyTurns.ts';

let world: DocumentsWorld;

beforeEach(() => {
  world = new DocumentsWorld();
});

describe('the order of documents', () => {
  it('goes on by the revision', async () => {
    await world.inPlace('h1', '100');
    world.want('h2', '101');
    await world.reconcile();
    expect(world.positions).toEqual(['1/100', '1/101']);
  });

  it('goes on by the epoch where the content changes at the same revision', async () => {
    await world.inPlace('h1', '100');
    world.want('h2', '100');
    await world.reconcile();
    expect(world.positions).toEqual(['1/100', '2/100']);
  });

  it('waits for a watch that lags behind a former leader, then takes revisions as restarted', async () => {
    await world.inPlace('h1', '500');
    world.restart();
    world.want('h2', '400');
    await world.look(CATCH_UP_MS - 1);
    expect(world.positions).toEqual(['1/500']);
    await world.look(1);
    expect(world.positions).toEqual(['1/500', '2/400']);
  });

  it('needs no new epoch where the watch caught up', async () => {
    await world.inPlace('h1', '500');
    world.restart();
    world.want('h2', '400');
    await world.reconcile();
    world.want('h2', '501');
    await world.reconcile();
    expect(world.positions).toEqual(['1/500', '1/501']);
  });

  it('comes after what a proxy has in force, as when the cluster was restored from a backup', async () => {
    await world.inPlace('h1', '100');
    world.inForce = [{ epoch: 3, revision: '900', hash: 'h0', streamed: true }];
    await world.look(CATCH_UP_MS);
    expect(world.positions).toEqual(['1/100', '4/100']);
  });

  it('comes after a document of the same place and other content, which proxies took first', async () => {
    await world.inPlace('h1', '100');
    world.inForce = [{ epoch: 1, revision: '100', hash: 'h0', streamed: false }];
    await world.reconcile();
    expect(world.positions).toEqual(['1/100', '2/100']);
  });

  it('is not disturbed by proxies that a stream has brought what is newer, or the same', async () => {
    await world.inPlace('h1', '100');
    world.revision = '130';
    world.inForce = [{ epoch: 1, revision: '120', hash: 'h2', streamed: true }];
    await world.look(CATCH_UP_MS);
    expect(world.positions).toEqual(['1/100']);
    world.want('h2', '130');
    world.inForce = [{ epoch: 1, revision: '130', hash: 'h2', streamed: true }];
    await world.look(LAZY_INTERVAL_MS);
    expect(world.positions).toEqual(['1/100', '1/130']);
  });

  it('overtakes proxies that lost their stream with something else in force, one document after the other', async () => {
    await world.inPlace('h1', '100');
    world.revision = '130';
    world.inForce = [{ epoch: 1, revision: '120', hash: 'h2', streamed: false }];
    await world.reconcile();
    expect(world.positions).toEqual(['1/100', '1/130']);
  });

  it('takes another replica that is a moment ahead for that, however often it is', async () => {
    await world.inPlace('h1', '100');
    for (let at = 110; at < 200; at += 10) {
      world.revision = String(at);
      world.inForce = [{ epoch: 1, revision: String(at + 5), hash: `h${at}`, streamed: true }];
      await world.look(CATCH_UP_MS / 2);
    }
    expect(world.positions).toEqual(['1/100']);
  });

  it('survives that somebody deletes the document', async () => {
    await world.inPlace('h1', '100');
    world.want('h2', '100');
    await world.reconcile();
    world.sink.delete(KEY);
    world.deliver();
    world.clock.advance(MIN_INTERVAL_MS);
    await world.reconcile();
    const [before, after] = world.sink.written.slice(-2);
    expect(compareRevision(after!.stamp, before!.stamp)).toBeGreaterThanOrEqual(0);
    expect(after!.stamp.hash).toBe('h2');
  });
});

describe('what others claim of the order', () => {
  const FAR = '9'.repeat(24);
  const claim = (epoch: number, revision = FAR) => ({ epoch, revision, hash: 'h0', streamed: true });
  const forge = (stamp: { epoch: number; revision: string }): void => {
    const there = world.sink.existing.get(KEY)!;
    world.sink.existing.set(KEY, { ...there, stamp: { ...there.stamp!, ...stamp } });
    world.documents.observed(KEY);
  };

  it.each([MAX_EPOCH, MAX_EPOCH - 1, 1 + EPOCH_LEAD])('moves nothing with epoch %d', async (epoch) => {
    await world.inPlace('h1', '100');
    world.inForce = [claim(epoch)];
    await world.look(2 * RAISE_INTERVAL_MS);
    expect(world.positions).toEqual(['1/100']);
  });

  it('is worth one epoch a minute, however often a proxy claims the next', async () => {
    await world.inPlace('h1', '100');
    for (let second = 0; second < 600; second += 1) {
      world.inForce = [claim(world.sink.written.at(-1)!.stamp.epoch)];
      await world.look(1_000);
    }
    expect(world.positions.length).toBeGreaterThan(5);
    expect(world.positions.length).toBeLessThanOrEqual(11);
  });

  it('keeps no file back: neither one that is always ahead nor a leader whose watch always lags', async () => {
    await world.inPlace('h1', '100');
    for (let at = 101; at < 101 + MAX_PUT_OFF_MS / 1_000; at += 1) {
      world.want('h2', String(at));
      world.inForce = [claim(1, String(at + 1))];
      await world.look(1_000);
    }
    await world.look();
    expect(world.hashInPlace).toBe('h2');
  });

  it('is no stamp that somebody made up: the file is written again, where it stood', async () => {
    await world.inPlace('h1', '100');
    forge({ epoch: MAX_EPOCH, revision: FAR });
    await world.look(MIN_INTERVAL_MS);
    expect(world.positions).toEqual(['1/100', '1/100']);
  });

  it('leaves what can be read and written again, even where no epoch comes after it', async () => {
    await world.inPlace('h1', '100');
    forge({ epoch: MAX_EPOCH, revision: FAR });
    world.restart();
    world.want('h2', '101');
    await world.look(2 * MAX_PUT_OFF_MS);
    expect(readStamp(JSON.stringify(world.sink.written.at(-1)!.stamp))?.hash).toBe('h2');
    world.want('h3', '102');
    await world.look(2 * MAX_PUT_OFF_MS);
    expect(world.hashInPlace).toBe('h3');
    expect(world.positions).toHaveLength(3);
  });
});

describe('what somebody else did', () => {
  it('is repaired after REPAIR_MS and told once, with the same place in the order', async () => {
    await world.inPlace('h1', '100');
    world.sink.damage(KEY);
    world.deliver();
    expect(await world.reconcile()).toEqual({ requeueAfterMs: REPAIR_MS });
    expect(world.hashInPlace).toBeUndefined();
    expect(world.documents.isDamaged(KEY)).toBe(true);
    world.clock.advance(REPAIR_MS - 1);
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 1 });
    world.clock.advance(1);
    await world.reconcile();
    expect(world.sink.written[1]?.data).toBe(world.sink.written[0]?.data);
    expect(world.incidents).toMatchObject([{ kind: 'changed', repairMs: REPAIR_MS }]);
    expect(world.documents.isDamaged(KEY)).toBe(false);
  });

  it('is no damage where it was deleted', async () => {
    await world.inPlace('h1', '100');
    world.sink.delete(KEY);
    world.deliver();
    expect(world.documents.isDamaged(KEY)).toBe(false);
  });

  it('does not hold back a change that is wanted', async () => {
    await world.inPlace('h1', '100');
    world.sink.damage(KEY);
    world.deliver();
    world.want('h2', '101');
    expect(await world.reconcile()).toBeUndefined();
    expect(world.hashInPlace).toBe('h2');
  });
});

describe('removing', () => {
  it('what is not wanted any more, after a while in which it may be wanted again', async () => {
    await world.inPlace('h1', '100');
    world.want(undefined, '101');
    expect(await world.reconcile()).toEqual({ requeueAfterMs: REMOVE_MS });
    world.want('h1', '102');
    await world.reconcile();
    world.want(undefined, '103');
    expect(await world.reconcile()).toEqual({ requeueAfterMs: REMOVE_MS });
    world.clock.advance(REMOVE_MS);
    await world.reconcile();
    expect(world.sink.removed).toEqual([KEY]);
  });

  it.each([
    ['has another name', { namespace: 'shop', name: 'settings' }],
    ['was not written by us', { namespace: 'shop', name: 'weft.deployment.cart', stamp: undefined }],
  ])('nothing that %s, whatever its labels say', async (_what, fields) => {
    const key = `shop/${fields.name}`;
    const stamp = { epoch: 1, revision: '1', hash: 'h', textHash: 't' };
    const { stamp: given, ...ref } = { stamp, ...fields };
    world.sink.existing.set(key, {
      ...ref,
      uid: 'u',
      resourceVersion: '1',
      actualTextHash: 't',
      ...(given ? { stamp: given } : {}),
    });
    expect([...world.sink.existing.keys()]).toEqual([key]);
    await world.documents.reconcile(key);
    world.clock.advance(REMOVE_MS);
    await world.documents.reconcile(key);
    expect(world.sink.removed).toEqual([]);
  });
});
