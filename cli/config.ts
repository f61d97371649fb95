import { Argument, type Command } from 'commander';
import type { DocumentPage } from '../core/control/index.ts';
import { WeftError } from '../core/errors/index.ts';
import { workloadKey } from '../core/model/index.ts';
import type { ProxyConfig } from '../core/proxyConfig/index.ts';
import { addClusterFlags, type Cluster, type ClusterFlags, type ConnectCluster } from './cluster/cluster.ts';
import { OperatorPages } from './cluster/operator.ts';
import { podWithProxy, proxyPage, type CertificatesPage, type ConfigPage } from './cluster/proxy.ts';
import { certificatesText } from './config/certificates.ts';
import {
  diffText,
  differingParts,
  directoryDifference,
  fieldChanges,
  partValue,
  type Difference,
} from './config/diff.ts';
import { policiesText } from './config/policies.ts';
import { routesOf, routesText, servicesText } from './config/services.ts';
import { parseFormat, sinceText, valueText, type Format } from './output.ts';
import type { Streams } from './streams.ts';

const SUBJECTS = ['services', 'routes', 'policies', 'certificates', 'all'] as const;
type Subject = (typeof SUBJECTS)[number];

interface Options extends ClusterFlags {
  output: Format;
  diff?: true;
}

interface InForce {
  readonly name: string;
  readonly config: ConfigPage;
  readonly document: ProxyConfig;
  readonly certificates: CertificatesPage;
}

async function read(cluster: Cluster, namespace: string, name: string): Promise<InForce> {
  const pod = await podWithProxy(cluster, namespace, name);
  const [config, certificates] = await Promise.all([
    proxyPage(cluster, pod, '/config'),
    proxyPage(cluster, pod, '/certificates'),
  ]);
  const { document, refused } = config;
  if (document) return { name: `${namespace}/${name}`, config, document, certificates };
  const [refusal] = refused;
  const message = refusal ? `it has none: ${refusal.message}` : 'it has none yet';
  throw new WeftError(refusal?.code ?? 'CONFIG_MISSING', message, { resource: `Pod ${namespace}/${name}` });
}

function headText({ name, config, document }: InForce, now: number): string {
  const { workload, epoch, revision, hash } = document;
  const refusals = config.refused.map(
    ({ subject, code, field, message }) =>
      `refused ${subject}: ${code}${field ? ` ${field}` : ''}: ${message}\n`,
  );
  return [
    `pod ${name} of ${workload.kind}/${workload.name}\n`,
    `in force for ${sinceText(config.inForceSince, now)}, by ${config.inForce?.source ?? 'file'}: `,
    `revision ${revision}, epoch ${epoch}, hash ${hash}\n`,
    ...refusals,
  ].join('');
}

function sections(found: InForce, subject: Subject, wide: boolean): [Subject, string][] {
  const { config, document, certificates } = found;
  const all: [Subject, () => string][] = [
    ['services', () => servicesText(document, wide)],
    ['routes', () => routesText(config)],
    ['policies', () => policiesText(config)],
    ['certificates', () => certificatesText(certificates, Date.now())],
  ];
  return all.filter(([name]) => subject === 'all' || subject === name).map(([name, text]) => [name, text()]);
}

function valueOf({ name, config, document, certificates }: InForce, subject: Subject): object {
  const { epoch, revision, hash, workload, resources } = document;
  const values = {
    services: document.services,
    routes: routesOf(config),
    policies: { section: config.section, resources },
    certificates: certificates.inUse,
  };
  const { inForceSince, refused } = config;
  return {
    pod: name,
    workload,
    inForce: { epoch, revision, hash, source: config.inForce?.source ?? null, since: inForceSince },
    refused,
    ...(subject === 'all' ? values : { [subject]: values[subject] }),
  };
}

const concerns = (part: string, subject: Subject): boolean => {
  if (subject === 'all') return true;
  if (subject === 'policies') return part === 'policy';
  if (subject === 'certificates') return part === 'trust';
  return part.startsWith('services/') || (subject === 'routes' && part === 'directory');
};

/** What differs between the proxy and the operator; each part's value is fetched only where its hash differs. */
async function differences(
  { document, config }: InForce,
  operator: OperatorPages,
  subject: Subject,
): Promise<Difference[]> {
  const at = `/documents/${workloadKey(document.workload)}`;
  const page = await operator.any(at);
  if (page.status === 404)
    throw new WeftError('CONFIG_MISSING', 'the operator has no document for it', {
      resource: workloadKey(document.workload),
      remedy: 'see whether its namespace is in the mesh',
    });
  const wants = page.value as DocumentPage;
  const { services = {}, ...own } = config.inForce?.parts ?? {};
  const parts = differingParts({ parts: own, services }, wants);
  const result: Difference[] = [];
  for (const { part, kind } of parts.filter((found) => concerns(found.part, subject))) {
    const wanted = kind === 'Changed' ? (await operator.any(`${at}/${part}`)).value : undefined;
    const fields = kind === 'Changed' ? fieldChanges(partValue(document, part), wanted) : [];
    result.push({ part, kind, fields });
  }
  return concerns('directory', subject) ? [...result, ...directoryDifference(config, wants)] : result;
}

interface Asked {
  readonly pod: string;
  readonly subject: Subject;
}

async function diff(
  { pod, subject }: Asked,
  options: Options,
  cluster: Cluster,
): Promise<[InForce, Difference[]]> {
  const operator = new OperatorPages(cluster, options.systemNamespace);
  const once = async (): Promise<[InForce, Difference[]]> => {
    const found = await read(cluster, options.namespace ?? cluster.namespace, pod);
    return [found, await differences(found, operator, subject)];
  };
  const first = await once();
  // a change may have been on its way between the two answers
  return first[1].length === 0 ? first : once();
}

async function showDiff(asked: Asked, options: Options, tools: { cluster: Cluster; streams: Streams }) {
  const { cluster, streams } = tools;
  const [found, list] = await diff(asked, options, cluster);
  const { output } = options;
  if (output === 'json' || output === 'yaml')
    streams.out(valueText({ pod: found.name, differences: list }, output));
  else {
    streams.out(headText(found, Date.now()));
    streams.out(list.length === 0 ? 'it runs what the operator wants\n' : `\n${diffText(list)}`);
  }
  return list.length === 0 ? 0 : 1;
}

async function show(
  { pod, subject }: Asked,
  options: Options,
  tools: { cluster: Cluster; streams: Streams },
) {
  const { cluster, streams } = tools;
  const { output, namespace = cluster.namespace } = options;
  const found = await read(cluster, namespace, pod);
  if (output === 'json' || output === 'yaml') streams.out(valueText(valueOf(found, subject), output));
  else {
    streams.out(headText(found, Date.now()));
    for (const [name, text] of sections(found, subject, output === 'wide'))
      streams.out(`\n${subject === 'all' ? `${name.toUpperCase()}\n` : ''}${text}`);
  }
  return 0;
}

export function registerConfig(
  program: Command,
  streams: Streams,
  tools: { connect: ConnectCluster; exit: (code: number) => void },
): void {
  addClusterFlags(program.command('config'))
    .description("what is in force in a pod's proxy, and what of it is other than the operator wants")
    .argument('<pod>', 'name of the pod')
    .addArgument(new Argument('[subject]', 'what to show').choices(SUBJECTS).default('all'))
    .option('-o, --output <format>', 'wide, json or yaml', parseFormat, 'table' as Format)
    .option('--diff', 'only what differs from what the operator wants; then the exit code is 1')
    .action(async (pod: string, subject: Subject, options: Options) => {
      const cluster = await tools.connect(options);
      const asked = { pod: pod.replace(/^pods?\//, ''), subject };
      try {
        tools.exit(await (options.diff ? showDiff : show)(asked, options, { cluster, streams }));
      } finally {
        cluster.close();
      }
    });
}
