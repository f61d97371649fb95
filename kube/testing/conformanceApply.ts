import { describe, expect, it } from 'vitest';
import { isConflict } from '../apiError.ts';
import { apply, mergePatch } from '../apply.ts';
import { resources, type ConfigMap, type Secret } from '../resource.ts';
import { configMap, type Subject } from './conformanceSubject.ts';
import { failure } from './failure.ts';

const maps = resources.configMaps;

export function applyChecks(subject: Subject): void {
  const applyAs = (
    fieldManager: string,
    [name, data]: [string, Record<string, string>],
    options: { force?: boolean; dryRun?: boolean } = {},
  ): Promise<ConfigMap> =>
    apply(
      subject.client,
      { resource: maps, object: configMap(subject, name, data) },
      { fieldManager, force: false, ...options },
    );

  describe('server-side apply', () => {
    it('creates, and makes no new version when applied again', async () => {
      const made = await applyAs('one', ['apply-new', { a: '1' }]);
      expect(made.data).toEqual({ a: '1' });
      expect(made.metadata.managedFields).toMatchObject([
        {
          manager: 'one',
          operation: 'Apply',
          apiVersion: 'v1',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:data': { 'f:a': {} } },
        },
      ]);
      const again = await applyAs('one', ['apply-new', { a: '1' }]);
      expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    });

    it('removes what is no longer applied, and nothing of others', async () => {
      await applyAs('one', ['apply-less', { a: '1', b: '2' }]);
      await applyAs('two', ['apply-less', { c: '3' }]);
      const less = await applyAs('one', ['apply-less', { a: '1' }]);
      expect(less.data).toEqual({ a: '1', c: '3' });
    });

    it('refuses to change what another manager owns, unless forced', async () => {
      await applyAs('one', ['apply-owned', { a: '1' }]);
      const error = await failure(applyAs('two', ['apply-owned', { a: '2' }]));
      expect(isConflict(error)).toBe(true);
      expect(error.message).toContain('"one"');
      expect(error.details?.causes).toMatchObject([{ reason: 'FieldManagerConflict', field: '.data.a' }]);
      const forced = await applyAs('two', ['apply-owned', { a: '2' }], { force: true });
      expect(forced.data).toEqual({ a: '2' });
      expect(isConflict(await failure(applyAs('one', ['apply-owned', { a: '1' }])))).toBe(true);
      const left = await applyAs('one', ['apply-owned', {}]);
      expect(left.data).toEqual({ a: '2' });
    });

    it('shares what two apply alike: it goes when both let go', async () => {
      await applyAs('one', ['apply-shared', { a: '1', b: '1' }]);
      await applyAs('two', ['apply-shared', { a: '1', c: '1' }]);
      expect((await applyAs('one', ['apply-shared', { b: '1' }])).data).toEqual({ a: '1', b: '1', c: '1' });
      expect((await applyAs('two', ['apply-shared', { c: '1' }])).data).toEqual({ b: '1', c: '1' });
    });

    it('counts who updates or patches as owner of what changed', async () => {
      const { client } = subject;
      const { metadata: ref } = await applyAs('one', ['apply-updated', { a: '1', b: '1' }]);
      await mergePatch(
        client,
        { resource: maps, ref, patch: { data: { a: '9' } } },
        { fieldManager: 'hand' },
      );
      const error = await failure(applyAs('one', ['apply-updated', { a: '1', b: '1' }]));
      expect(error.message).toContain('"hand"');
      const agreed = await applyAs('one', ['apply-updated', { a: '9', b: '2' }]);
      expect(agreed.data).toEqual({ a: '9', b: '2' });
    });

    it('leaves labels of others alone', async () => {
      const { client } = subject;
      const { metadata: ref } = await applyAs('one', ['apply-labels', { a: '1' }]);
      await mergePatch(
        client,
        { resource: maps, ref, patch: { metadata: { labels: { theirs: 'x' } } } },
        { fieldManager: 'hand' },
      );
      const object = configMap(subject, 'apply-labels');
      const labelled = { ...object, metadata: { ...object.metadata, labels: { ours: 'y' } } };
      const both = await apply(client, { resource: maps, object: labelled }, { fieldManager: 'one' });
      expect(both.metadata.labels).toEqual({ theirs: 'x', ours: 'y' });
      const bare = await apply(client, { resource: maps, object }, { fieldManager: 'one' });
      expect(bare.metadata.labels).toEqual({ theirs: 'x' });
    });

    it('answers a dry run without storing it', async () => {
      const made = await applyAs('one', ['apply-dry', { a: '1' }]);
      const dry = await applyAs('one', ['apply-dry', { a: '2' }], { dryRun: true });
      expect(dry.data).toEqual({ a: '2' });
      expect((await subject.client.get(maps, made.metadata)).data).toEqual({ a: '1' });
    });

    it('owns stringData and not data of a Secret: keys that are no longer applied stay', async () => {
      const { client, namespace } = subject;
      const applySecret = (content: object): Promise<Secret> =>
        apply(client, {
          resource: resources.secrets,
          object: { metadata: { namespace, name: 'strings' }, ...content },
        });
      const made = await applySecret({ stringData: { a: 'b' } });
      const again = await applySecret({ stringData: { a: 'b' } });
      expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      const kept = await applySecret({ stringData: { c: 'd' } });
      expect(kept.data).toEqual({ a: 'Yg==', c: 'ZA==' });
      await applySecret({ data: { e: 'Zg==' } });
      expect((await applySecret({ data: { g: 'aA==' } })).data).toEqual({ a: 'Yg==', c: 'ZA==', g: 'aA==' });
    });

    it('wants a field manager', async () => {
      const { client, namespace } = subject;
      const body = { apiVersion: 'v1', kind: 'ConfigMap', ...configMap(subject, 'nobody') };
      const error = await failure(client.patch(maps, { namespace, name: 'nobody' }, { type: 'apply', body }));
      expect([400, 422]).toContain(error.status);
    });
  });
}
