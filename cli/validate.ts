import type { Command } from 'commander';
import { GROUP, parseMeshConfig, parseMeshPolicy, type RawResource } from '../core/api/index.ts';
import { codes, type Problem } from '../core/errors/index.ts';
import type { Streams } from './streams.ts';
import { isObject, type Resource } from './workloads.ts';
import { readDocuments, readInput } from './yaml.ts';

const ROOT = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);

const parsers = new Map<string, (raw: RawResource) => { ok: boolean; error?: Problem[] }>([
  ['mesh.weft.dev/v1alpha1 MeshPolicy', parseMeshPolicy],
  ['mesh.weft.dev/v1alpha1 MeshConfig', parseMeshConfig],
]);

/** Resources in a document: itself, or the items of a List. */
const resourcesOf = (value: unknown): Resource[] =>
  isObject(value)
    ? value['kind'] === 'List' && Array.isArray(value['items'])
      ? value['items'].flatMap(resourcesOf)
      : [value]
    : [];

/** Problems of one resource; `undefined` for one that is none of Weft's. */
function problemsOf(resource: Resource): Problem[] | undefined {
  const { apiVersion = '', kind = '' } = resource;
  if (apiVersion.split('/')[0] !== GROUP) return undefined;
  const parse = parsers.get(`${apiVersion} ${kind}`);
  if (!parse) {
    const message = `${apiVersion} ${kind} is not known to this version`;
    return [{ code: 'NOT_SUPPORTED', field: 'kind', message }];
  }
  const root: Problem[] = Object.keys(resource)
    .filter((name) => !ROOT.has(name))
    .map((field) => ({ code: 'UNKNOWN_FIELD', field, message: 'unknown field' }));
  if (typeof resource.metadata?.name !== 'string' || resource.metadata.name === '') {
    root.push({ code: 'INVALID_FIELD', field: 'metadata.name', message: 'is required' });
  }
  return [...root, ...(parse({ ...resource, metadata: { name: '', ...resource.metadata } }).error ?? [])];
}

/** Checks resources as admission does. Exit code 1 where one is wrong. */
async function validate({ filename }: { filename: string }, { out, err }: Streams): Promise<number> {
  let valid = 0;
  let invalid = 0;
  for (const { value } of readDocuments(await readInput(filename), filename)) {
    for (const resource of resourcesOf(value)) {
      const problems = problemsOf(resource);
      if (!problems) continue;
      const { kind, metadata } = resource;
      const name = `${kind} ${metadata?.namespace ? `${metadata.namespace}/` : ''}${metadata?.name ?? ''}`;
      if (problems.length === 0) {
        valid += 1;
        out(`${name}: valid\n`);
        continue;
      }
      invalid += 1;
      err(`${name}: invalid\n`);
      for (const { code, field, message } of problems) {
        err(`  ${field}: ${message} (${code}; ${codes[code].remedy})\n`);
      }
    }
  }
  if (valid + invalid === 0) err(`${filename} holds no resource of ${GROUP}\n`);
  return invalid === 0 ? 0 : 1;
}

export function registerValidate(program: Command, streams: Streams, exit: (code: number) => void): void {
  program
    .command('validate')
    .description('check mesh resources as the cluster would at `kubectl apply`')
    .requiredOption('-f, --filename <file>', 'YAML of one or more documents; - for standard input')
    .action(async (options: { filename: string }) => exit(await validate(options, streams)));
}
