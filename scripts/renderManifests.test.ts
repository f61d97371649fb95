import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { expect, it } from 'vitest';
import { DIGEST_LINE, chart, chartDigest, rendered } from './chartDigest.ts';

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
}

it('the rendered install was made from the chart as it is', async () => {
  const [, recorded] = DIGEST_LINE.exec(await readFile(rendered, 'utf8')) ?? [];
  expect(recorded, 'run `node scripts/renderManifests.ts` (needs Helm)').toBe(await chartDigest());
});

it('the hash of a chart changes with any of its files', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'weft-chart-'));
  try {
    await cp(chart, copy, { recursive: true });
    expect(await chartDigest(copy)).toBe(await chartDigest());
    await writeFile(join(copy, 'templates', 'extra.yaml'), '# nothing\n');
    expect(await chartDigest(copy)).not.toBe(await chartDigest());
  } finally {
    await rm(copy, { recursive: true });
  }
});

it('the rendered install has its namespace first, held to the restricted level, and no Secret', async () => {
  const objects = loadAll(await readFile(rendered, 'utf8')).filter(Boolean) as Manifest[];
  expect(objects[0]).toMatchObject({
    kind: 'Namespace',
    metadata: {
      name: 'weft-system',
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    },
  });
  expect(objects.map(({ kind }) => kind)).not.toContain('Secret');
  const namespaced = objects.filter(({ metadata }) => metadata.namespace !== undefined);
  expect(new Set(namespaced.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['weft-system']));
});
