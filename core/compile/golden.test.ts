/** Whole meshes and all that is made of them. `UPDATE_GOLDEN=1` rewrites the expectations; read the difference. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it } from 'vitest';
import { buildSnapshot } from '../../sources/index.ts';
import { objectsOfYaml, settings } from '../../sources/testing/mesh.ts';
import { workloadKey } from '../model/index.ts';
import { identitiesOf } from './index.ts';
import { directoryOf, documentOf, workloadsOf } from '../../sources/testing/compiled.ts';

const folder = join(import.meta.dirname, 'golden');

it.each(readdirSync(folder).filter((name) => name.endsWith('.input.yaml')))('%s', (name) => {
  const snapshot = buildSnapshot(objectsOfYaml(readFileSync(join(folder, name), 'utf8')), settings);
  const documents = workloadsOf(snapshot).map(
    (ref) => [workloadKey(ref), documentOf(snapshot, ref)] as const,
  );
  const text = dump(
    {
      identities: identitiesOf(snapshot).map(({ namespace, name }) => `${namespace}/${name}`),
      documents: Object.fromEntries(documents),
      directory: directoryOf(snapshot),
    },
    { lineWidth: 110, noRefs: true },
  );
  const golden = join(folder, name.replace('.input.', '.golden.'));
  if (process.env['UPDATE_GOLDEN']) writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, 'utf8'));
});
