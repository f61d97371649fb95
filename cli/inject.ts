import type { Command } from 'commander';
import {
  parseMeshConfig,
  parseMeshConfigSpec,
  type MeshConfigSpec,
  type RawResource,
} from '../core/api/index.ts';
import { WeftError } from '../core/errors/index.ts';
import { SYSTEM_NAMESPACE } from '../core/model/names.ts';
import { WEFT_VERSION } from '../core/proxyConfig/index.ts';
import { injectDocuments, type Report } from './injectDocuments.ts';
import type { Streams } from './streams.ts';
import { isObject } from './workloads.ts';
import { readDocuments, readInput } from './yaml.ts';

interface Options {
  filename: string;
  image: string;
  imagePullPolicy?: string;
  meshConfig?: string;
  namespace: string;
  systemNamespace: string;
  report?: true;
  explain?: true;
}

/** The spec of the MeshConfig in a file; the defaults without one. Throws WeftError that names file and field. */
async function meshOf(file: string | undefined): Promise<MeshConfigSpec> {
  const document = file && readDocuments(await readInput(file), file).find(({ value }) => isObject(value));
  const parsed = document ? parseMeshConfig(document.value as RawResource) : parseMeshConfigSpec(undefined);
  if (parsed.ok) return 'spec' in parsed.value ? parsed.value.spec : parsed.value;
  const [problem] = parsed.error;
  throw new WeftError(problem?.code ?? 'INVALID_FIELD', problem?.message ?? 'is invalid', {
    resource: file ?? 'MeshConfig',
    field: problem?.field ?? '',
  });
}

function describe({ resource, outcome, lines, warnings, reasons }: Report, options: Options): string[] {
  return [
    ...(options.report || options.explain || outcome === 'refused'
      ? [`${resource}: ${outcome}`, ...lines.map((line) => `  ${line}`)]
      : []),
    ...warnings.map((warning) => `warning: ${resource}: ${warning}`),
    ...(options.explain ? reasons.map((reason) => `  ${reason}`) : []),
  ];
}

/** Prints manifests with proxies. Nothing is printed to standard output where a resource is refused. */
async function inject(options: Options, { out, err }: Streams): Promise<number> {
  const { image, imagePullPolicy: pullPolicy, namespace, systemNamespace, filename } = options;
  const settings = {
    image: { name: image, ...(pullPolicy ? { pullPolicy } : {}) },
    mesh: await meshOf(options.meshConfig),
    namespace,
    systemNamespace,
  };
  const { text, reports } = injectDocuments(await readInput(filename), settings, filename);
  for (const line of reports.flatMap((report) => describe(report, options))) err(`${line}\n`);
  if (reports.some(({ outcome }) => outcome === 'refused')) return 1;
  out(text);
  return 0;
}

export function registerInject(program: Command, streams: Streams, exit: (code: number) => void): void {
  program
    .command('inject')
    .description('add the proxy to the pods of manifests, as the webhook does, without a cluster')
    .requiredOption('-f, --filename <file>', 'YAML of one or more documents; - for standard input')
    .option('--image <image>', 'image of the proxy', `weft:${WEFT_VERSION}`)
    .option('--image-pull-policy <policy>', 'Always, IfNotPresent or Never')
    .option('--mesh-config <file>', 'MeshConfig to take settings from; else the defaults')
    .option('-n, --namespace <name>', 'namespace of resources that name none', 'default')
    .option('--system-namespace <name>', "Weft's own namespace", SYSTEM_NAMESPACE)
    .option('--report', 'say on standard error what was decided for each resource, and why')
    .option('--explain', 'as --report, with the reason for each field that was set')
    .action(async (options: Options) => exit(await inject(options, streams)));
}
