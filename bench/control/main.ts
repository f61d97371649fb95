/** `make bench-control`: the configuration stream at size. docs/performance.md says what it needs and measures. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { accessOf, KubeClient, type Access } from '../../kube/index.ts';
import { unfit } from './cluster.ts';
import { install } from './install.ts';
import { podAccess } from './podAccess.ts';
import { populate } from './populate.ts';
import { remove } from './remove.ts';
import { goalsTable, pointsTable, writeControl, type Growth, type Point } from './report.ts';
import { FULL, type MeshSize } from './shape.ts';
import { Stage, type StageOptions } from './stage.ts';

const FOLDER = join(import.meta.dirname, '../results');
const USAGE = `node bench/control/main.ts COMMAND [options]        KUBECONFIG names the cluster
  run        the mesh of full size: cost, delay, restart
  growth     the same, shorter, from 100 to 2,000 proxies and from 100 to 1,000 services
  alone      the operator without proxies
  populate   only makes the objects
  remove     takes away everything that was made
options
  --services N --endpoints N --proxies N --namespaces N
  --seconds N         of changes (300; growth 45)
  --rate N            changes a second (10)
  --calls N           services of other namespaces that each application calls (3)
  --processes N       that play the proxies (2)
  --operator FILE     dist/operator.mjs; 'FILE --flag' gives Node a flag
  --log FILE          of the operator
`;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

interface Command {
  name: string;
  seconds: number;
  stage: StageOptions;
  access: Access;
}

function positive(values: Record<string, string | undefined>, name: string): number {
  const value = Number(values[name]);
  if (!(value >= 0)) throw new Error(`--${name} is ${JSON.stringify(values[name])}, not a number`);
  return value;
}

async function parseCommand(args: string[]): Promise<Command> {
  const text = (value: string | number) => ({ type: 'string', default: String(value) }) as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      services: text(FULL.services),
      endpoints: text(FULL.endpoints),
      proxies: text(FULL.proxies),
      namespaces: text(FULL.namespaces),
      seconds: text(positionalOf(args) === 'growth' ? 45 : 300),
      rate: text(10),
      calls: text(3),
      processes: text(2),
      operator: text(join(import.meta.dirname, '../../dist/operator.mjs')),
      log: text(join(tmpdir(), 'weft-bench-operator.log')),
    },
  });
  const number = (name: keyof typeof values) => positive(values, name);
  const kubeconfig = process.env['KUBECONFIG'];
  if (!kubeconfig) throw new Error('KUBECONFIG is not set');
  const [bundle = '', ...nodeArguments] = values.operator.split(' ').filter((part) => part !== '');
  if (!existsSync(bundle)) throw new Error(`${bundle} is not there: make build`);
  const access = await accessOf({ KUBECONFIG: kubeconfig });
  const client = new KubeClient(access, { userAgent: 'weft-bench' });
  const size: MeshSize = {
    namespaces: number('namespaces'),
    services: number('services'),
    endpoints: number('endpoints'),
    proxies: number('proxies'),
  };
  return {
    name: positionals[0] ?? 'help',
    seconds: number('seconds'),
    access,
    stage: {
      client,
      size,
      operator: { bundle, nodeArguments, access: { KUBECONFIG: kubeconfig }, log: values.log },
      processes: number('processes'),
      perSecond: number('rate'),
      calls: number('calls'),
      say,
    },
  };
}

const positionalOf = (args: string[]): string | undefined => args.find((arg) => !arg.startsWith('-'));

const IDLE_SECONDS = 20;

async function measured<T>(options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await Stage.open(options);
  try {
    return await work(stage);
  } finally {
    await stage.close();
  }
}

/** The operator with all proxies connected, at rest and while endpoints change. */
const withProxies = (options: StageOptions, seconds: number, restart = false): Promise<Point> =>
  measured(options, async (stage) => {
    const connected = await stage.connect();
    const callMs = await stage.call();
    const idle = await stage.idle(IDLE_SECONDS);
    const change = await stage.change(seconds);
    const restarts = [];
    if (restart) {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const)
        restarts.push({ signal, restarted: await stage.restart(signal) });
    }
    return { size: options.size, idle, change, connected, callMs, ...(restart && { restarts }) };
  });

const alone = (options: StageOptions, seconds: number): Promise<Point> =>
  measured(options, async (stage) => {
    await stage.settle();
    const idle = await stage.idle(IDLE_SECONDS);
    return { size: options.size, idle, change: await stage.change(seconds) };
  });

/** Parts of the size that is given: from 100 to 2,000 proxies and from 100 to 1,000 services by default. */
const PROXIES = [0.05, 0.25, 0.5, 1];
const SERVICES = [0.1, 0.3, 1];
/** While services grow: as many proxies as the fewest services have pods. */
const PROXIES_OF_SERVICES = 0.5;

/** From few services to many, so that objects are only added; the point that both rows share is measured once. */
async function growth({ stage, seconds }: Command): Promise<void> {
  const { size } = stage;
  const at = async (services: number, proxies: number): Promise<Point> => {
    const own = {
      ...size,
      services: Math.round(services * size.services),
      proxies: Math.round(proxies * size.proxies),
    };
    const point = await withProxies({ ...stage, size: own }, seconds);
    say(pointsTable([point]));
    return point;
  };
  const byServices: Point[] = [];
  for (const services of SERVICES) byServices.push(await at(services, PROXIES_OF_SERVICES));
  const byProxies: Point[] = [];
  for (const proxies of PROXIES)
    byProxies.push(proxies === PROXIES_OF_SERVICES ? byServices.at(-1)! : await at(1, proxies));
  const found: Growth[] = [
    { by: 'proxies', points: byProxies },
    { by: 'services', points: byServices },
  ];
  say(`\n${pointsTable([...byServices, ...byProxies])}\n`);
  say(`bench/results: ${(await writeControl(FOLDER, { growth: found })).join(', ')}`);
}

async function run({ stage, seconds }: Command): Promise<void> {
  const point = await withProxies(stage, seconds, true);
  say(`\n${pointsTable([point])}\n\n${goalsTable(point)}\n`);
  say(`API writes a second: ${JSON.stringify(point.change.writes)}`);
  say(`bench/results: ${(await writeControl(FOLDER, { point })).join(', ')}`);
}

async function main(command: Command): Promise<void> {
  const { name, stage, seconds, access } = command;
  if (name === 'remove') return remove(stage.client, say);
  if (!['run', 'growth', 'alone', 'populate'].includes(name)) return say(USAGE);
  const problems = await unfit(stage.client);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  await install(stage.client);
  if (name === 'populate') return void (await populate(stage.client, stage.size, say));
  const asPod = await podAccess(stage.client, access);
  if (asPod) stage.operator.access = asPod;
  else say('the operator reads a kubeconfig, which takes it 80 MB that it does not need in a pod');
  if (name === 'growth') return growth(command);
  if (name === 'run') return run(command);
  const point = await alone(stage, seconds);
  say(`\n${pointsTable([point])}\n\n${goalsTable(point)}\n`);
  say(`API writes a second: ${JSON.stringify(point.change.writes)}`);
}

try {
  const command = await parseCommand(process.argv.slice(2));
  try {
    await main(command);
  } finally {
    command.stage.client.close();
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
