import { describe, expect, it } from 'vitest';
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from '../apiError.ts';
import { probeMetadata } from '../apply.ts';
import { microTime } from '../microTime.ts';
import { resources, type Resource } from '../resource.ts';
import { configMap, type Subject } from './conformanceSubject.ts';
import { failure } from './failure.ts';

const maps = resources.configMaps;

export function objectChecks(subject: Subject): void {
  describe('objects', () => {
    it('gives a new object uid, resourceVersion and time, and its name only once', async () => {
      const { client, namespace } = subject;
      const made = await client.create(maps, configMap(subject, 'once'));
      expect(made.metadata).toMatchObject({ name: 'once', namespace });
      expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(made.metadata.resourceVersion).toMatch(/^\d+$/);
      expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const again = await failure(client.create(maps, configMap(subject, 'once')));
      expect(isAlreadyExists(again)).toBe(true);
      expect(again.status).toBe(409);
      expect(await client.get(maps, { namespace, name: 'once' })).toEqual(made);
    });

    it('makes names from generateName', async () => {
      const { client, namespace } = subject;
      const draft = { metadata: { namespace, name: '', generateName: 'made-' } };
      const made = await Promise.all([client.create(maps, draft), client.create(maps, draft)]);
      expect(made[0].metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
      expect(made[0].metadata.name).not.toBe(made[1].metadata.name);
    });

    it('answers NotFound for what is not there', async () => {
      const { client, namespace } = subject;
      const ref = { namespace, name: 'absent' };
      const missing = await failure(client.get(maps, ref));
      expect(missing).toMatchObject({ status: 404, reason: 'NotFound', details: { name: 'absent' } });
      expect(await client.find(maps, ref)).toBeUndefined();
      expect(isNotFound(await failure(client.delete(maps, ref)))).toBe(true);
      const nowhere = { metadata: { namespace: `${namespace}-absent`, name: 'x' } };
      expect(isNotFound(await failure(client.create(maps, nowhere)))).toBe(true);
      const kind: Resource = {
        group: 'none.weft.dev',
        version: 'v1',
        plural: 'nones',
        kind: 'None',
        namespaced: true,
      };
      expect(isNotFound(await failure(client.list(kind)))).toBe(true);
    });

    it('refuses names that are none, and too much data', async () => {
      const { client } = subject;
      const badName = await failure(client.create(maps, configMap(subject, 'Not_A_Name')));
      expect(isInvalid(badName)).toBe(true);
      expect(badName.details?.causes?.[0]?.field).toBe('metadata.name');
      const badKey = await failure(client.create(maps, configMap(subject, 'bad-key', { 'x/y': '1' })));
      expect(isInvalid(badKey)).toBe(true);
      const large = configMap(subject, 'large', { a: 'x'.repeat(1024 * 1024 + 1) });
      expect((await failure(client.create(maps, large))).status).toBe(422);
      const tooLarge = configMap(subject, 'too-large', { a: 'x'.repeat(3 * 1024 * 1024) });
      expect((await failure(client.create(maps, tooLarge))).status).toBe(413);
    });

    it('refuses an update of a stale version', async () => {
      const { client } = subject;
      const first = await client.create(maps, configMap(subject, 'stale'));
      const second = await client.update(maps, { ...first, data: { a: '2' } });
      expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
      expect(second.metadata.uid).toBe(first.metadata.uid);
      const error = await failure(client.update(maps, { ...first, data: { a: '3' } }));
      expect(isConflict(error)).toBe(true);
      expect(await client.get(maps, second.metadata)).toMatchObject({ data: { a: '2' } });
    });

    it('makes no new version of what did not change', async () => {
      const { client } = subject;
      const made = await client.create(maps, configMap(subject, 'same'));
      const updated = await client.update(maps, made);
      expect(updated.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    });

    it('deletes only the object that was meant', async () => {
      const { client } = subject;
      const { metadata } = await client.create(maps, configMap(subject, 'meant'));
      const other = await failure(
        client.delete(maps, metadata, { uid: '00000000-0000-0000-0000-000000000000' }),
      );
      expect(isConflict(other)).toBe(true);
      await client.delete(maps, metadata, { uid: metadata.uid });
      expect(await client.find(maps, metadata)).toBeUndefined();
    });

    it('keeps a deleted object until its finalizers are gone', async () => {
      const { client, namespace } = subject;
      const draft = configMap(subject, 'final');
      draft.metadata.finalizers = ['weft.dev/test'];
      await client.create(maps, draft);
      const ref = { namespace, name: 'final' };
      await client.delete(maps, ref);
      const dying = await client.get(maps, ref);
      expect(dying.metadata.deletionTimestamp).toBeDefined();
      await client.patch(maps, ref, { type: 'merge', body: { metadata: { finalizers: null } } });
      expect(await client.find(maps, ref)).toBeUndefined();
    });

    it('checks a dry run and stores nothing', async () => {
      const { client } = subject;
      const answer = await client.create(maps, configMap(subject, 'dry'), { dryRun: true });
      expect(answer.data).toEqual({ a: '1' });
      expect(await client.find(maps, answer.metadata)).toBeUndefined();
    });

    it('takes MicroTime in a Lease and refuses to replace one blindly', async () => {
      const { client, namespace } = subject;
      const renewTime = microTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
      const draft = { metadata: { namespace, name: 'held' }, spec: { holderIdentity: 'a/b', renewTime } };
      const lease = await client.create(resources.leases, draft);
      expect(lease.spec?.renewTime).toBe('2026-01-02T03:04:05.678000Z');
      expect(isInvalid(await failure(client.update(resources.leases, draft)))).toBe(true);
    });

    it('turns stringData of a Secret into data and shows a prober only metadata', async () => {
      const { client, namespace } = subject;
      const ref = { namespace, name: 'secret' };
      expect(await probeMetadata(client, { resource: resources.secrets, ref })).toBeUndefined();
      const made = await client.create(resources.secrets, { metadata: ref, stringData: { key: 'value' } });
      expect(made).toMatchObject({ data: { key: 'dmFsdWU=' }, type: 'Opaque' });
      expect(made.stringData).toBeUndefined();
      const probed = await probeMetadata(client, { resource: resources.secrets, ref });
      expect(probed?.metadata).toMatchObject({
        uid: made.metadata.uid,
        resourceVersion: made.metadata.resourceVersion,
      });
      expect(JSON.stringify(probed)).not.toContain('dmFsdWU=');
    });

    it('takes an annotation of a Pod through its status, and nothing of its spec', async () => {
      const { client, namespace } = subject;
      const ref = { namespace, name: 'waiting' };
      await client.create(resources.pods, {
        metadata: ref,
        spec: { schedulerName: 'nobody', containers: [{ name: 'main', image: 'none.invalid/none:1' }] },
      });
      const body = {
        metadata: { annotations: { 'weft.dev/refresh': '7' } },
        spec: { schedulerName: 'other' },
      };
      const patched = await client.patch(resources.pods, ref, { type: 'merge', subresource: 'status', body });
      expect(patched.metadata.annotations).toMatchObject({ 'weft.dev/refresh': '7' });
      expect(patched.spec?.schedulerName).toBe('nobody');
      await client.delete(resources.pods, ref, { gracePeriodSeconds: 0 });
    });
  });
}
