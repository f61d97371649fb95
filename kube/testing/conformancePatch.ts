import { describe, expect, it } from 'vitest';
import { isConflict, isInvalid, isNotFound } from '../apiError.ts';
import { mergePatch } from '../apply.ts';
import { resources } from '../resource.ts';
import { configMap, type Subject } from './conformanceSubject.ts';
import { failure } from './failure.ts';

const maps = resources.configMaps;

export function patchChecks(subject: Subject): void {
  describe('merge and JSON patches', () => {
    it('merges, and removes what is null', async () => {
      const { client } = subject;
      const { metadata: ref } = await client.create(maps, configMap(subject, 'merge', { a: '1', b: '2' }));
      const patched = await mergePatch(client, { resource: maps, ref, patch: { data: { a: null, c: '3' } } });
      expect(patched.data).toEqual({ b: '2', c: '3' });
      const absent = { namespace: ref.namespace, name: 'merge-absent' };
      const error = await failure(mergePatch(client, { resource: maps, ref: absent, patch: {} }));
      expect(isNotFound(error)).toBe(true);
    });

    it('changes nothing by an empty merge patch', async () => {
      const { client } = subject;
      const made = await client.create(maps, configMap(subject, 'empty'));
      const patched = await mergePatch(client, { resource: maps, ref: made.metadata, patch: {} });
      expect(patched).toEqual(made);
    });

    it('refuses a merge patch that names a stale version', async () => {
      const { client } = subject;
      const { metadata: ref } = await client.create(maps, configMap(subject, 'merge-stale'));
      await mergePatch(client, { resource: maps, ref, patch: { data: { a: '2' } } });
      const patch = { metadata: { resourceVersion: ref.resourceVersion }, data: { a: '3' } };
      expect(isConflict(await failure(mergePatch(client, { resource: maps, ref, patch })))).toBe(true);
    });

    it('carries out a JSON patch whole or not at all', async () => {
      const { client } = subject;
      const { metadata: ref } = await client.create(maps, configMap(subject, 'json', { a: '1', 'x.y': '2' }));
      const body = [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'replace', path: '/data/a', value: '5' },
        { op: 'remove', path: '/data/x.y' },
        { op: 'add', path: '/metadata/labels', value: { one: 'two', 'x/y': 'z' } },
        { op: 'remove', path: '/metadata/labels/x~1y' },
      ];
      const patched = await client.patch(maps, ref, { type: 'json', body });
      expect(patched).toMatchObject({ data: { a: '5' }, metadata: { labels: { one: 'two' } } });
      expect(Object.keys(patched.data ?? {})).toEqual(['a']);
      const again = await failure(client.patch(maps, ref, { type: 'json', body }));
      expect(isInvalid(again)).toBe(true);
      expect((await client.get(maps, ref)).metadata.resourceVersion).toBe(patched.metadata.resourceVersion);
    });

    it('keeps name and uid out of reach', async () => {
      const { client } = subject;
      const { metadata: ref } = await client.create(maps, configMap(subject, 'fixed'));
      const patch = (metadata: object): Promise<unknown> =>
        mergePatch(client, { resource: maps, ref, patch: { metadata } });
      const uid = '00000000-0000-0000-0000-000000000000';
      expect(await failure(patch({ name: 'other' }))).toMatchObject({ status: 400, reason: 'BadRequest' });
      expect(isInvalid(await failure(patch({ uid })))).toBe(true);
      const made = await client.get(maps, ref);
      const replaced = await failure(client.update(maps, { ...made, metadata: { ...made.metadata, uid } }));
      expect(isConflict(replaced)).toBe(true);
    });
  });
}
