/** Whole meshes and all that is made of them. `UPDATE_GOLDEN=1` rewrites the expectations; read the difference. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it } from 'vitest';
import { buildSnapshot } from '../../sources/index.ts';
import { hash, objectsOfYaml, settings } from '../../sources/testing/mesh.ts';
import { workloadKey } from '../model/index.ts';
import { parseDirectory, parseProxyConfig } from '../proxyConfig/index.ts';
import { compileDirectory, compileWorkload, identitiesOf, selectedPods, workloadsOf } from './index.ts';

const folder = join(import.meta.dirname, 'golden');
const tools = { hash, epoch: 1 };

it.each(readdirSync(folder).filter((name) => name.endsWith('.input.yaml')))('%s', (name) => {
  const snapshot = buildSnapshot(objectsOfYaml(readFileSync(join(folder, name), 'utf8')), settings);
  const documents = workloadsOf(snapshot).map(
    (ref) => [workloadKey(ref), compileWorkload(snapshot, ref, tools)] as const,
  );
  const directory = compileDirectory(snapshot, tools);
  for (const [, document] of documents) {
    expect(parseProxyConfig(JSON.stringify(document), hash)).toEqual(document);
  }
  expect(parseDirectory(JSON.stringify(directory), hash)).toEqual(directory);
  const text = dump(
    {
      identities: identitiesOf(snapshot).map(({ namespace, name }) => `${namespace}/${name}`),
      selected: Object.fromEntries(
        snapshot.policies.map((policy) => [
          policy.metadata.name,
          selectedPods(snapshot, policy).map(({ name }) => name),
        ]),
      ),
      documents: Object.fromEntries(documents),
      directory,
    },
    { lineWidth: 110, noRefs: true },
  );
  const golden = join(folder, name.replace('.input.', '.golden.'));
  if (process.env['UPDATE_GOLDEN']) writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, 'utf8'));
});
