/** One worker: the data plane, as in a proxy of one thread, by configuration that the main thread has checked. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadIdentity } from '../config/identity.ts';
import { collectGarbage } from '../collect.ts';
import { firstOf, LiveValue } from '../config/live.ts';
import { sourceAfter, StateKeeper } from '../config/state.ts';
import type { DataPlane, IdentityState } from '../context.ts';
import { DrainState } from '../drain.ts';
import { followSettings, serveHere, type Serving, type ServingStats } from '../serving.ts';
import { surviveErrors } from '../survive.ts';
import { createTelemetry, type ProxyTelemetry } from '../telemetry/index.ts';
import { lineWriter, type LineWriter } from '../telemetry/lineWriter.ts';
import { createLog } from '../telemetry/log.ts';
import { threadFamilies } from '../telemetry/process.ts';
import type { Answers, Asked, FromWorker, OutputFd, ToWorker, WorkerData } from './messages.ts';
import { RemoteDemand } from './demand.ts';
import { PortOutput } from './output.ts';

const LOG_END_MS = 1000;

interface State {
  readonly plane: DataPlane;
  readonly keeper: StateKeeper;
  readonly demand: RemoteDemand;
  readonly identity: LiveValue<IdentityState>;
  readonly drain: DrainState;
  readonly telemetry: ProxyTelemetry;
  readonly writers: readonly LineWriter[];
  serving: Serving | undefined;
}

type Tell = (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void;

function createState(data: WorkerData, { tell, output }: { tell: Tell; output: PortOutput }): State {
  const { worker, logLevel, draining, vicinity } = data;
  const writer = (fd: OutputFd) => lineWriter(fd, output.to(fd));
  const accessLog = writer(1);
  const diagnostics = writer(2);
  const log = createLog(diagnostics, logLevel ?? 'Info', { worker });
  const telemetry = createTelemetry({ accessLog });
  surviveErrors(log, telemetry);
  for (const family of threadFamilies(worker)) telemetry.register(family);
  const keeper = new StateKeeper(vicinity);
  const { config } = keeper;
  const demand = new RemoteDemand(tell);
  const identity = new LiveValue<IdentityState>();
  followSettings({ config, telemetry, log, logLevel });
  const drain = new DrainState();
  if (draining) drain.begin();
  const plane = { config, identity, telemetry, drain, log, demand };
  const writers = [accessLog, diagnostics];
  return { plane, keeper, demand, identity, drain, telemetry, writers, serving: undefined };
}

const NOTHING = { connections: 0, requests: 0 };

async function answer(state: State, what: Asked): Promise<Answers[Asked]> {
  if (what === 'metrics') return state.telemetry.expose();
  const stats: ServingStats = (await state.serving?.stats()) ?? { inbound: NOTHING, outbound: NOTHING };
  return { ...stats, heapUsedBytes: process.memoryUsage().heapUsed };
}

async function stop({ serving, writers }: State, timeoutMs: number): Promise<void> {
  await serving?.stop(timeoutMs);
  await Promise.all(writers.map((writer) => writer.end(LOG_END_MS)));
}

/** Runs until the main thread ends it. Errors of start-up are told, and end the worker. */
export async function runWorker(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('a worker is a thread of a proxy, and no command');
  const data = workerData as WorkerData;
  const tell: Tell = (message, transfer = []) => port.postMessage(message, [...transfer]);
  const output = new PortOutput(tell);
  const state = createState(data, { tell, output });
  const { spiffeId, listen } = data;
  const { config } = state.plane;
  port.on('message', async (message: ToWorker) => {
    switch (message.type) {
      case 'config':
        return state.keeper.swap(sourceAfter(config.current, message.change));
      case 'settled':
        return state.demand.settled(message);
      case 'identity': {
        const { files, verifiedAt } = message.source;
        return state.identity.set(loadIdentity(files, { spiffeId, now: verifiedAt }));
      }
      case 'drain':
        return state.drain.begin();
      case 'ask':
        return tell({ type: 'answer', what: message.what, value: await answer(state, message.what) });
      case 'written':
        return output.written(message.fd, message.failure);
      case 'stop':
        await stop(state, message.timeoutMs);
        return tell({ type: 'stopped' });
    }
  });
  try {
    await Promise.all([firstOf(config), firstOf(state.identity)]);
    collectGarbage();
    state.serving = await serveHere(listen, state.plane);
    tell({ type: 'serving', addresses: state.serving.addresses });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    tell({ type: 'failed', code, message });
    process.exit(1);
  }
}
