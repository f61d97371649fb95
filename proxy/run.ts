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
import { startReporter, type Reporter } from './config/reporter.ts';
import { startStore, type ConfigStore } from './config/store.ts';
import type { DataPlane, Running } from './context.ts';
import { DrainState, startControlSocket } from './drain.ts';
import type { Environment } from './env.ts';
import { startInbound } from './inbound/stack.ts';
import { dataListeners, probeAddresses, publicHost } from './listeners.ts';
import { startOutbound } from './outbound/stack.ts';
import { onSignals } from './signals.ts';
import { CONTENT_TYPE, gaugeFamily } from './telemetry/exposition.ts';
import { createTelemetry, type ProxyTelemetry } from './telemetry/index.ts';
import { lineWriter } from './telemetry/lineWriter.ts';
import { createLog, type LevelledLog } from './telemetry/log.ts';
import { processFamilies } from './telemetry/process.ts';

const DEFAULT_DRAIN_MS = 25_000;
const LOG_END_MS = 1000;
/** Anyone in the network can scrape: many scrapes must not cost more than a few. */
const EXPOSE_MS = 200;

interface Sides {
  inbound: Running | undefined;
  outbound: Running | undefined;
}

interface Parts {
  environment: Environment;
  log: LevelledLog;
  telemetry: ProxyTelemetry;
  store: ConfigStore;
  drain: DrainState;
  sides: Sides;
  reporter: Reporter | undefined;
}

function startReporting({
  environment,
  log,
  telemetry,
  store,
}: Omit<Parts, 'reporter'>): Reporter | undefined {
  if (!environment.control) return undefined;
  const { trustDomain, systemNamespace } = environment;
  const reporter = startReporter({
    address: environment.control,
    identity: store.identity,
    operatorId: workloadId(trustDomain, systemNamespace, 'weft-operator'),
    report: () => JSON.stringify(reportOf(environment, store)),
    log,
  });
  store.config.subscribe(() => reporter.changed());
  store.onRefusals(() => reporter.changed());
  for (const family of controlFamilies(reporter)) telemetry.register(family);
  return reporter;
}

/** What is wrong in one connection must not end the others; it is told and counted. */
function surviveErrors(log: LevelledLog, telemetry: ProxyTelemetry): void {
  let count = 0;
  const onError = (error: unknown) => {
    count += 1;
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    log.error({ error: message, stack }, 'uncaught error: a bug of the proxy');
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  telemetry.register(
    gaugeFamily({
      name: 'weft_uncaught_errors_total',
      help: 'Errors that no part caught: bugs of the proxy.',
      type: 'counter',
      read: () => [['', count]],
    }),
  );
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
  const { environment, log, telemetry, store, drain, sides, reporter } = parts;
  const { ports, probes } = environment;
  const healthOptions: HealthOptions = {
    store,
    listening: () => sides.inbound !== undefined && sides.outbound !== undefined,
    probes,
    run: createProber(probeAddresses(environment)),
  };
  const pages = {
    store,
    health: healthOptions,
    sides: () => sides,
    draining: () => drain.draining,
    control: () => reporter?.state ?? {},
  };
  const expose = atMostEvery(EXPOSE_MS, () => telemetry.expose());
  const metrics = () => ({ status: 200, type: CONTENT_TYPE, body: expose() });
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

async function startTraffic({ environment, log, telemetry, store, drain, sides }: Parts): Promise<void> {
  await Promise.all([firstOf(store.config), firstOf(store.identity)]);
  // what reading left behind would stay resident for as long as little happens; now nobody waits for an answer
  globalThis.gc?.();
  const plane: DataPlane = { config: store.config, identity: store.identity, telemetry, drain, log };
  const listen = dataListeners(environment);
  sides.inbound = await startInbound({ listen: listen.inbound, plane });
  sides.outbound = await startOutbound({ listen: listen.outbound, plane });
  const { inbound, outbound } = sides;
  log.info({ inbound: inbound.addresses, outbound: outbound.addresses }, 'serving');
}

function applySettings({ environment, log, telemetry, store }: Omit<Parts, 'reporter'>): void {
  store.config.subscribe(({ document }) => {
    telemetry.setAccessLog(document.telemetry.accessLog);
    log.setLevel(environment.logLevel ?? document.settings.logLevel);
  });
}

const drainMs = ({ environment, store }: Parts): number =>
  environment.drainMs ?? store.config.current?.document.settings.drainMs ?? DEFAULT_DRAIN_MS;

/** Runs until a signal ends the process. Rejects where a port cannot be bound. */
export async function runProxy(environment: Environment): Promise<void> {
  const accessLog = lineWriter(1);
  const diagnostics = lineWriter(2);
  const log = createLog(diagnostics, environment.logLevel ?? 'Info');
  const telemetry = createTelemetry({ accessLog });
  surviveErrors(log, telemetry);
  const { pod, trustDomain, configDir, directoryDir, identityDir, podInfoDir } = environment;
  const store = startStore({
    folders: { config: configDir, directory: directoryDir, identity: identityDir, podInfo: podInfoDir },
    spiffeId: workloadId(trustDomain, pod.namespace, pod.serviceAccount),
    // the pod's containers have one resolv.conf
    vicinity: { addresses: pod.ips, resolvers: getServers() },
    log,
  });
  const drain = new DrainState();
  const sides: Sides = { inbound: undefined, outbound: undefined };
  const started = { environment, log, telemetry, store, drain, sides };
  applySettings(started);
  for (const family of [...configFamilies(store), ...processFamilies()]) telemetry.register(family);
  const parts: Parts = { ...started, reporter: startReporting(started) };

  const end = async (code: number) => {
    await Promise.all([accessLog.end(LOG_END_MS), diagnostics.end(LOG_END_MS)]);
    process.exit(code);
  };
  drain.onDrain(() => log.info({}, 'draining: still serving, peers go elsewhere'));
  onSignals({
    first: async (signal) => {
      drain.begin();
      const timeoutMs = drainMs(parts);
      log.info({ signal, timeoutMs, ...sides.inbound?.stats() }, 'ending: no new connections');
      await Promise.all([sides.inbound?.stop(timeoutMs), sides.outbound?.stop(timeoutMs)]);
      await end(0);
    },
    second: () => void end(1),
  });
  try {
    await startServers(parts);
    await startControl(environment, drain, log);
    await startTraffic(parts);
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
