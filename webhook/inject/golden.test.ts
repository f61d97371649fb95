/**
 * testing/golden/<case>.input.yaml: the pod and, in a document before it, what surrounds it. <case>.golden.yaml is the
 * injected pod (absent if it is left alone), <case>.report.txt what was decided. UPDATE_GOLDEN=1 rewrites both.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyPatch, type Operation as JsonPatchOperation } from 'fast-json-patch';
import { dump, loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { changedFields, reasonOf } from './explain.ts';
import { fieldReasons } from './fields.ts';
import { injectPod, type InjectResult, type Operation, type Pod } from './index.ts';
import { contextOf, type Surroundings } from './testing/context.ts';

const folder = join(import.meta.dirname, 'testing/golden');
const update = process.env['UPDATE_GOLDEN'] === '1';
const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.input.yaml'))
  .map((file) => file.slice(0, -'.input.yaml'.length));

function apply(pod: Pod, patch: Operation[]): Pod {
  // the library checks each operation and throws where a path does not exist
  return applyPatch(pod, patch as JsonPatchOperation[], true, false).newDocument;
}

function read(name: string): { pod: Pod; surroundings: Surroundings } {
  const documents = loadAll(readFileSync(join(folder, `${name}.input.yaml`), 'utf8')) as object[];
  const pod = documents.at(-1) as Pod;
  return { pod, surroundings: documents.length > 1 ? (documents[0] as Surroundings) : {} };
}

function report(result: InjectResult): string {
  const lines: string[] = [];
  if (result.outcome === 'skipped') lines.push(`skipped ${result.reason}: ${result.message}`);
  if (result.outcome === 'injected') {
    lines.push(`injected as ${result.workload.kind}/${result.workload.namespace}/${result.workload.name}`);
    lines.push(...result.patch.map(({ op, path }) => `  ${op} ${path}`));
  }
  if (result.outcome === 'refused') {
    lines.push('refused', ...result.problems.map((p) => `  ${p.code} ${p.field}: ${p.message}`));
  }
  lines.push(...result.warnings.map((warning) => `warning: ${warning}`));
  return `${lines.join('\n')}\n`;
}

/** The file's content; with UPDATE_GOLDEN=1, after writing `actual` to it, or removing it where there is none. */
function golden(file: string, actual: string | undefined): string | undefined {
  const path = join(folder, file);
  if (update && actual === undefined) rmSync(path, { force: true });
  else if (update) writeFileSync(path, actual!);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

const explained = new Set<string>();

describe.each(cases)('%s', (name) => {
  const { pod, surroundings } = read(name);
  const before = structuredClone(pod);
  const context = contextOf(surroundings);
  const result = injectPod(pod, context);
  const after = result.outcome === 'injected' ? apply(pod, result.patch) : undefined;

  test('gives the golden pod and report', () => {
    const yaml = after && dump(after, { lineWidth: 140, noRefs: true });
    expect(yaml).toBe(golden(`${name}.golden.yaml`, yaml));
    expect(report(result)).toBe(golden(`${name}.report.txt`, report(result)));
  });

  test('does not change what it was given', () => {
    expect(pod).toEqual(before);
  });

  if (!after) return;

  test('every changed field has its reason', () => {
    const fields = changedFields(pod, after);
    expect(fields.filter((field) => !reasonOf(field))).toEqual([]);
    for (const field of fields) explained.add(reasonOf(field)!.field);
  });

  test('a second run finds nothing to do', () => {
    expect(injectPod(after, context)).toMatchObject({ outcome: 'skipped', reason: 'AlreadyInjected' });
  });
});

test('there are cases, and every reason in the table is needed by one of them', () => {
  expect(cases.length).toBeGreaterThanOrEqual(20);
  expect(fieldReasons.map(({ field }) => field).filter((field) => !explained.has(field))).toEqual([]);
});
