/** Starts the parts in the order in which a pod needs them: answers for kubelet first, traffic once there is a policy. */
import { getServers } from 'node:dns';
import { workloadId } from './workloadId.ts';
import { serve, type Served } from './admin/http.ts';
import { health, type HealthOptions } from './admin/health.ts';
import { adminPage } from './admin/pages.ts';
import { createProber } from './admin/probes.ts';
import { firstOf } from './config/live.ts';
import { configFamilies, controlFamilies } from './config/metrics.ts';
import { reportOf } from './config/report.ts';
import { startStore, type ConfigStore } from './config/store.ts';
import { StreamClient } from './config/streamClient.ts';
import { collectGarbage } from './collect.ts';
import type { ConfigState } from './context.ts';
import { DrainState, startControlSocket } from './drain.ts';
import type { Environment } from './env.ts';
import { dataListeners, probeAddresses, publicHost, type Listeners } from './listeners.ts';
import { followSettings, serveHere, type Serving } from './serving.ts';
import { onSignals } from './signals.ts';
import { surviveErrors } from './survive.ts';
import { CONTENT_TYPE } from './telemetry/exposition.ts';
import { createTelemetry, type ProxyTelemetry } from './telemetry/index.ts';
import { lineWriter, type LineWriter, type WriteSome } from './telemetry/lineWriter.ts';
import { createLog, type LevelledLog } from './telemetry/log.ts';
import { processFamilies, threadFamilies } from './telemetry/process.ts';
import { sharedDescriptor } from './telemetry/sharedOutput.ts';
import type { OutputFd } from './workers/messages.ts';

const DEFAULT_DRAIN_MS = 25_000;
const LOG_END_MS = 1000;
/** Anyone in the network can scrape: many scrapes must not cost more than a few. */
const EXPOSE_MS = 200;

/** Where lines go, and who else writes there. */
interface Output {
  accessLog: LineWriter;
  diagnostics: LineWriter;
  /** Undefined where no other thread does. */
  shared: Record<OutputFd, WriteSome> | undefined;
}

interface Started {
  environment: Environment;
  output: Output;
  log: LevelledLog;
  telemetry: ProxyTelemetry;
  store: ConfigStore;
  drain: DrainState;
}

interface Parts extends Started {
  /** Undefined where there is no operator. */
  stream: StreamClient | undefined;
  /** Undefined until there is something to serve by. */
  serving: Serving | undefined;
}

function createOutput({ workers }: Environment): Output {
  if (workers === 1) return { accessLog: lineWriter(1), diagnostics: lineWriter(2), shared: undefined };
  const shared = { 1: sharedDescriptor(1), 2: sharedDescriptor(2) };
  return { accessLog: lineWriter(1, shared[1]), diagnostics: lineWriter(2, shared[2]), shared };
}

async function startStream(parts: Parts): Promise<void> {
  const { environment, log, telemetry, store } = parts;
  if (!environment.control) return;
  // what files say is what the operator is told first
  await store.read;
  const { trustDomain, systemNamespace } = environment;
  const stream = new StreamClient({
    address: environment.control,
    identity: store.identity,
    operatorId: workloadId(trustDomain, systemNamespace, 'weft-operator'),
    core: store.core,
    report: () => reportOf(environment, store),
    log,
  });
  parts.stream = stream;
  store.onFiles(() => stream.changed());
  for (const family of controlFamilies(stream)) telemetry.register(family);
}

/** `make`, or what it gave less than `ms` ago. */
function atMostEvery<T>(ms: number, make: () => T): () => T {
  let made: { at: number; value: T } | undefined;
  return () => {
    const now = performance.now();
    if (!made || now - made.at >= ms) made = { at: now, value: make() };
    return made.value;
  };
}

async function startServers(parts: Parts): Promise<Served[]> {
  const { environment, log, telemetry, store, drain } = parts;
  const { ports, probes } = environment;
  const healthOptions: HealthOptions = {
    store,
    threads: () => parts.serving?.threads,
    probes,
    run: createProber(probeAddresses(environment)),
  };
  const pages = {
    store,
    health: healthOptions,
    serving: () => parts.serving,
    draining: () => drain.draining,
    control: () => parts.stream?.state ?? {},
  };
  const expose = atMostEvery(EXPOSE_MS, () => {
    const own = telemetry.expose();
    return parts.serving?.metrics(own) ?? own;
  });
  const metrics = async () => ({ status: 200, type: CONTENT_TYPE, body: await expose() });
  const host = publicHost(environment);
  return Promise.all([
    serve({
      name: 'health',
      address: { host, port: ports.health },
      log,
      answer: (path) => health(healthOptions, path),
    }),
    serve({
      name: 'metrics',
      address: { host, port: ports.metrics },
      log,
      answer: (path) =>
        path === '/metrics' ? metrics() : { status: 404, body: '{"message":"see /metrics"}\n' },
    }),
    serve({
      name: 'admin',
      address: { host: '127.0.0.1', port: ports.admin },
      log,
      answer: (path) => adminPage(pages, path),
    }),
  ]);
}

/** Starts what serves: this thread, or several beside it. */
async function startTraffic(parts: Parts, entry: URL): Promise<void> {
  const { environment, log, telemetry, store, drain } = parts;
  // without a directory, services of other namespaces would be taken for what is outside, and called in plain text
  const complete = ({ directory }: ConfigState) => directory !== undefined;
  await Promise.all([firstOf(store.config, complete), firstOf(store.identity)]);
  // what reading left behind would stay resident for as long as little happens; now nobody waits for an answer
  collectGarbage();
  const listen = dataListeners(environment);
  if (environment.workers === 1) {
    const { config, identity } = store;
    const demand = parts.stream?.demand;
    parts.serving = await serveHere(listen, { config, identity, telemetry, drain, log, demand });
  } else await startWorkers(parts, { listen, entry });
  log.info({ ...parts.serving!.addresses }, 'serving');
}

async function startWorkers(
  parts: Parts,
  { listen, entry }: { listen: Listeners; entry: URL },
): Promise<void> {
  const { environment, output, log, telemetry, store, drain } = parts;
  const { workers: count, logLevel } = environment;
  const data = { listen, ...ownNames(environment), logLevel };
  // a proxy of one thread does not pay for what it does not use
  const { createWorkers, workerFamilies } = await import('./workers/start.ts');
  const demand = parts.stream?.demand;
  const pool = createWorkers({ count, data, store, output: output.shared!, drain, log, demand }, entry);
  for (const family of workerFamilies(pool)) telemetry.register(family);
  parts.serving = pool;
  await pool.start();
}

/** Who this pod is, and what it reaches whatever the documents say. */
const ownNames = ({ pod, trustDomain }: Environment) => ({
  spiffeId: workloadId(trustDomain, pod.namespace, pod.serviceAccount),
  // the pod's containers have one resolv.conf
  vicinity: { addresses: pod.ips, resolvers: getServers() },
});

const drainMs = ({ environment, store }: Parts): number =>
  environment.drainMs ?? store.config.current?.document.settings.drainMs ?? DEFAULT_DRAIN_MS;

function startParts(environment: Environment): Parts {
  const output = createOutput(environment);
  const log = createLog(output.diagnostics, environment.logLevel ?? 'Info');
  const telemetry = createTelemetry({ accessLog: output.accessLog });
  surviveErrors(log, telemetry);
  const { configDir, directoryDir, identityDir, podInfoDir, logLevel } = environment;
  const store = startStore({
    folders: { config: configDir, directory: directoryDir, identity: identityDir, podInfo: podInfoDir },
    ...ownNames(environment),
    log,
  });
  followSettings({ config: store.config, telemetry, log, logLevel });
  for (const family of [...configFamilies(store), ...processFamilies(), ...threadFamilies()])
    telemetry.register(family);
  const started = { environment, output, log, telemetry, store, drain: new DrainState() };
  return { ...started, stream: undefined, serving: undefined };
}

/** Runs until a signal ends the process. Rejects where a port cannot be bound. `entry` is the file that it runs. */
export async function runProxy(environment: Environment, entry: URL): Promise<void> {
  const parts = startParts(environment);
  const { output, log, drain } = parts;
  const end = async (code: number) => {
    await Promise.all([output.accessLog.end(LOG_END_MS), output.diagnostics.end(LOG_END_MS)]);
    process.exit(code);
  };
  drain.onDrain(() => log.info({}, 'draining: still serving, peers go elsewhere'));
  onSignals({
    first: async (signal) => {
      drain.begin();
      const timeoutMs = drainMs(parts);
      const { serving } = parts;
      log.info({ signal, timeoutMs, ...(await serving?.stats())?.inbound }, 'ending: no new connections');
      await serving?.stop(timeoutMs);
      await end(0);
    },
    second: () => void end(1),
  });
  try {
    await startServers(parts);
    await startControl(environment, drain, log);
    await startStream(parts);
    await startTraffic(parts, entry);
  } catch (error) {
    log.error({ error }, 'cannot start');
    await end(1);
  }
}

async function startControl({ runDir }: Environment, drain: DrainState, log: LevelledLog): Promise<void> {
  try {
    await startControlSocket(runDir, drain);
  } catch (error) {
    // without it the drain begins at SIGTERM, which is late but no reason not to serve
    log.warn({ error, folder: runDir }, 'no control socket: preStop cannot begin the drain');
  }
}
