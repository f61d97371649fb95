import { describe, expect, it } from 'vitest';
import { isInvalid } from '../apiError.ts';
import { apply, mergePatch, patchStatus } from '../apply.ts';
import type { Subject } from './conformanceSubject.ts';
import { failure } from './failure.ts';
import type { Probe } from './probe.ts';

export function customChecks(subject: Subject): void {
  const make = (name: string, spec: Probe['spec']): Promise<Probe> =>
    subject.client.create(subject.probes, {
      metadata: { namespace: subject.namespace, name },
      ...(spec ? { spec } : {}),
    });

  describe('custom resources', () => {
    it('counts generations of the spec, not of labels or status', async () => {
      const { client, probes: resource } = subject;
      const { metadata: ref } = await make('generation', { size: 1 });
      expect(ref.generation).toBe(1);
      const labelled = await mergePatch(client, {
        resource,
        ref,
        patch: { metadata: { labels: { a: 'b' } } },
      });
      expect(labelled.metadata.generation).toBe(1);
      const grown = await mergePatch(client, { resource, ref, patch: { spec: { size: 2 } } });
      expect(grown.metadata.generation).toBe(2);
      const ready = await patchStatus(client, { resource, ref, status: { phase: 'Ready' } });
      expect(ready.metadata.generation).toBe(2);
      expect(ready.status).toEqual({ phase: 'Ready' });
    });

    it('writes status only through the subresource, and there only status', async () => {
      const { client, probes: resource, namespace } = subject;
      const draft = {
        metadata: { namespace, name: 'separate' },
        spec: { size: 1 },
        status: { phase: 'Early' },
      };
      const made = await client.create(resource, draft);
      expect(made.status).toBeUndefined();
      const ref = made.metadata;
      const main = await mergePatch(client, { resource, ref, patch: { status: { phase: 'Wrong' } } });
      expect(main.status).toBeUndefined();
      expect(main.metadata.resourceVersion).toBe(ref.resourceVersion);
      const patch = { spec: { size: 9 }, metadata: { labels: { a: 'b' } }, status: { phase: 'Right' } };
      const status = await mergePatch(client, { resource, ref, patch }, { subresource: 'status' });
      expect(status).toMatchObject({ spec: { size: 1 }, status: { phase: 'Right' } });
      expect(status.metadata.labels).toBeUndefined();
      const replaced = await client.update(resource, {
        ...status,
        status: { phase: 'No' },
        spec: { size: 3 },
      });
      expect(replaced).toMatchObject({ spec: { size: 3 }, status: { phase: 'Right' } });
    });

    it('refuses to replace one blindly', async () => {
      const { client, probes, namespace } = subject;
      await make('blind', { size: 1 });
      const draft = { metadata: { namespace, name: 'blind' }, spec: { size: 2 } };
      expect(isInvalid(await failure(client.update(probes, draft)))).toBe(true);
    });

    it('merges conditions by their type when two managers apply', async () => {
      const { client, probes: resource, namespace } = subject;
      await make('conditions', { size: 1 });
      const applyStatus = (fieldManager: string, status: Probe['status']): Promise<Probe> => {
        const object = { metadata: { namespace, name: 'conditions' }, ...(status ? { status } : {}) };
        return apply(client, { resource, object }, { fieldManager, subresource: 'status', force: false });
      };
      await applyStatus('one', { conditions: [{ type: 'Accepted', status: 'True' }] });
      const both = await applyStatus('two', {
        conditions: [{ type: 'Applied', status: 'False', reason: 'Late' }],
      });
      expect(both.status?.conditions).toEqual([
        { type: 'Accepted', status: 'True' },
        { type: 'Applied', status: 'False', reason: 'Late' },
      ]);
      await applyStatus('two', { conditions: [{ type: 'Applied', status: 'True' }] });
      const left = await applyStatus('one', undefined);
      expect(left.status?.conditions).toEqual([{ type: 'Applied', status: 'True' }]);
      expect(left).toMatchObject({ metadata: { generation: 1 }, spec: { size: 1 } });
    });
  });
}
