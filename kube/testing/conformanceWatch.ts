import { describe, expect, it } from 'vitest';
import { Reflector } from '../reflector.ts';
import { resources, type ConfigMap } from '../resource.ts';
import type { Change } from '../store.ts';
import { configMap, type Subject } from './conformanceSubject.ts';
import { failure } from './failure.ts';
import { until } from './until.ts';

const maps = resources.configMaps;

interface Line {
  type: string;
  object: ConfigMap & { code?: number; reason?: string };
}

/** Reads a watch until `enough`, or its end. */
async function read(
  subject: Subject,
  options: {
    resourceVersion: string;
    labelSelector?: string;
    metadataOnly?: boolean;
    timeoutSeconds?: number;
  },
  enough: (lines: Line[]) => boolean,
): Promise<Line[]> {
  const abort = new AbortController();
  const lines: Line[] = [];
  const { client, namespace } = subject;
  const watch = client.watch(maps, { namespace, timeoutSeconds: 10, signal: abort.signal, ...options });
  for await (const line of watch) {
    lines.push(JSON.parse(line) as Line);
    if (enough(lines)) break;
  }
  return lines;
}

const shown = (lines: Line[]): string[] =>
  lines
    .filter(({ type }) => type !== 'BOOKMARK')
    .map(({ type, object }) => `${type} ${object.metadata.name}`);

export function watchChecks(subject: Subject): void {
  const labelled = (name: string, labels: Record<string, string>): Promise<ConfigMap> => {
    const draft = configMap(subject, name);
    return subject.client.create(maps, { ...draft, metadata: { ...draft.metadata, labels } });
  };
  const newest = async (): Promise<string> => {
    const list = await subject.client.list(maps, { namespace: subject.namespace, limit: 1 });
    return list.metadata.resourceVersion;
  };

  describe('lists and watches', () => {
    it('lists in pages that show one state', async () => {
      const { client, namespace } = subject;
      for (const n of [1, 2, 3, 4, 5, 6, 7]) await labelled(`page-${n}`, { set: 'page' });
      const options = { namespace, labelSelector: 'set=page', limit: 3 };
      const first = await client.list(maps, options);
      expect(first.items.map(({ metadata }) => metadata.name)).toEqual(['page-1', 'page-2', 'page-3']);
      await labelled('page-8', { set: 'page' });
      await client.delete(maps, { namespace, name: 'page-5' });
      const names: string[] = [];
      let next = first.metadata.continue;
      while (next) {
        const page = await client.list(maps, { ...options, continue: next });
        expect(page.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
        names.push(...page.items.map(({ metadata }) => metadata.name));
        next = page.metadata.continue;
      }
      expect(names).toEqual(['page-4', 'page-5', 'page-6', 'page-7']);
      expect((await failure(client.list(maps, { ...options, continue: 'bm9uc2Vuc2U' }))).status).toBe(400);
    });

    it('selects by labels, by name, and can leave the content out', async () => {
      const { client, namespace } = subject;
      await labelled('select-a', { app: 'a', tier: 'x' });
      await labelled('select-b', { app: 'b', tier: 'x' });
      const names = async (options: { labelSelector?: string; fieldSelector?: string }): Promise<string[]> =>
        (await client.list(maps, { namespace, ...options })).items.map(({ metadata }) => metadata.name);
      expect(await names({ labelSelector: 'tier=x,app!=b' })).toEqual(['select-a']);
      expect(await names({ labelSelector: 'tier=x,app in (b, c)' })).toEqual(['select-b']);
      expect(await names({ labelSelector: 'tier,app notin (b)' })).toEqual(['select-a']);
      expect(await names({ fieldSelector: 'metadata.name=select-b' })).toEqual(['select-b']);
      const partial = await client.list(maps, { namespace, labelSelector: 'app=a', metadataOnly: true });
      expect(partial.items).toHaveLength(1);
      expect(partial.items[0]).not.toHaveProperty('data');
      const none = await client.list(maps, { namespace, labelSelector: 'app=none', metadataOnly: true });
      expect(none.items).toEqual([]);
      expect((await failure(client.list(maps, { namespace, labelSelector: 'a=b=c!' }))).status).toBe(400);
    });

    it('tells each change once and in order, from where the client was', async () => {
      const { client } = subject;
      const resourceVersion = await newest();
      const made = await client.create(maps, configMap(subject, 'watched'));
      await client.update(maps, { ...made, data: { a: '2' } });
      await client.delete(maps, made.metadata);
      const lines = await read(subject, { resourceVersion }, (all) => shown(all).length === 3);
      expect(shown(lines)).toEqual(['ADDED watched', 'MODIFIED watched', 'DELETED watched']);
      const versions = lines.map(({ object }) => Number(object.metadata.resourceVersion));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      expect(new Set(versions).size).toBe(versions.length);
    });

    it('adds what begins to match a selector and deletes what ceases to', async () => {
      const { client } = subject;
      const resourceVersion = await newest();
      const { metadata: ref } = await labelled('moving', { in: 'no' });
      for (const value of ['yes', 'no']) {
        await client.patch(maps, ref, { type: 'merge', body: { metadata: { labels: { in: value } } } });
      }
      const lines = await read(
        subject,
        { resourceVersion, labelSelector: 'in=yes' },
        (all) => shown(all).length === 2,
      );
      expect(shown(lines)).toEqual(['ADDED moving', 'DELETED moving']);
    });

    it('sends metadata alone where that was asked for', async () => {
      const resourceVersion = await newest();
      await labelled('partial', { a: 'b' });
      const lines = await read(
        subject,
        { resourceVersion, metadataOnly: true },
        (all) => shown(all).length === 1,
      );
      expect(lines[0]!.object).toMatchObject({
        kind: 'PartialObjectMetadata',
        metadata: { labels: { a: 'b' } },
      });
      expect(lines[0]!.object).not.toHaveProperty('data');
    });

    it('says Expired for a version that is too old', async () => {
      const { client, probes, namespace } = subject;
      const { signal } = new AbortController();
      const lines: Line[] = [];
      for await (const line of client.watch(probes, {
        namespace,
        resourceVersion: '1',
        timeoutSeconds: 5,
        signal,
      })) {
        lines.push(JSON.parse(line) as Line);
      }
      expect(lines).toMatchObject([
        { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } },
      ]);
    });

    it('ends a watch after its time, and says before how far it came', async () => {
      const resourceVersion = await newest();
      await labelled('near', { far: 'no' });
      const lines: Line[] = [];
      let elsewhere: Promise<ConfigMap> | undefined;
      const options = { resourceVersion, timeoutSeconds: 4, labelSelector: 'far=no' };
      await read(subject, options, (all) => {
        // Bookmarks tell of progress since the watch was open: of something that the client does not see itself.
        elsewhere ??= labelled('elsewhere', { far: 'yes' });
        lines.splice(0, lines.length, ...all);
        return false;
      });
      expect(shown(lines)).toEqual(['ADDED near']);
      expect(lines.at(-1)?.type).toBe('BOOKMARK');
      const reached = Number(lines.at(-1)!.object.metadata.resourceVersion);
      expect(reached).toBeGreaterThanOrEqual(Number((await elsewhere)?.metadata.resourceVersion));
    }, 15_000);

    it('lets a reflector follow, also when a name is used again', async () => {
      const { client, namespace } = subject;
      const changes: Change<ConfigMap>[] = [];
      await labelled('follow-old', { set: 'follow' });
      const reflector = new Reflector({
        client,
        resource: maps,
        namespace,
        labelSelector: 'set=follow',
        pageSize: 1,
        onChange: (change) => changes.push(change),
      }).start();
      await reflector.synced;
      const made = await labelled('follow-new', { set: 'follow' });
      await client.update(maps, { ...made, data: { a: '5' } });
      await client.delete(maps, made.metadata);
      const again = await labelled('follow-new', { set: 'follow' });
      const key = `${namespace}/follow-new`;
      await until(
        'the store has the new object',
        () => reflector.store.get(key)?.metadata.uid === again.metadata.uid,
      );
      await reflector.stop();
      expect(changes.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
        'Added follow-old',
        'Added follow-new',
        'Updated follow-new',
        'Deleted follow-new',
        'Added follow-new',
      ]);
      expect(reflector.counters).toMatchObject({ lists: 1, failures: 0 });
      expect(reflector.store.get(key)).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    });
  });
}
