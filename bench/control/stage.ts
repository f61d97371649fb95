/** One mesh of one size with its operator and its proxies, from the first object to the last process. */
import type { KubeClient } from '../../kube/index.ts';
import { pause } from '../peers/process.ts';
import { sumOf } from '../peers/weft.ts';
import { Changes, type ChangeTimes } from './changes.ts';
import { total, writesBetween, writesSoFar } from './cluster.ts';
import { identitiesOf } from './identities.ts';
import type { ProxyPlace } from './messages.ts';
import {
  CONTROL_PORT,
  startOperator,
  type Cost,
  type OperatorOptions,
  type OperatorProcess,
} from './operatorProcess.ts';
import { podLabels } from './objects.ts';
import { Players } from './players.ts';
import { populate, type Population } from './populate.ts';
import { usedBy, type MeshSize } from './shape.ts';
import { Writer } from './writer.ts';

export interface StageOptions {
  client: KubeClient;
  size: MeshSize;
  operator: OperatorOptions;
  processes: number;
  perSecond: number;
  /** Services of other namespaces that each application calls. */
  calls: number;
  say: (text: string) => void;
}

/** Names of the operator's metrics. */
const BYTES_SENT = 'weft_operator_stream_sent_bytes_total';
const WRITES = 'weft_operator_writes_total';

const IDENTITIES_MS = 300_000;
const CONNECT_MS = 120_000;
const QUIET_MS = 4_000;
/** Writes a second. */
const QUIET_RATE = 5;
const SETTLE_MS = 300_000;
const AFTERWARDS_MS = 5_000;
/** So that what is measured is code that V8 has compiled. */
const WARM_UP_SECONDS = 10;

export interface ChangeRun {
  cost: Cost;
  times: ChangeTimes;
  /** By resource, of everybody but this benchmark, a second. */
  writesPerSecond: number;
  writes: Record<string, number>;
  /** Bytes that the operator sent to proxies, a second. */
  sentPerSecond: number;
  /** Share of a core that each process of proxies took, and the latest that its timers were. */
  playersCores: number;
  playersLagMs: number;
}

export interface Connected {
  /** From the first connection until every proxy had its document in force. */
  ms: number;
  /** What the operator sent for it: everything, since the proxies came with nothing. */
  bytes: number;
}

export interface Restarted {
  /** From the signal to end until all were connected again, the operator's own start included. */
  ms: number;
  /** Of it, until the old operator had ended, until the new one took proxies, and until so many of them were there. */
  endMs: number;
  operatorMs: number;
  halfMs: number;
  p90Ms: number;
  p99Ms: number;
  bytes: number;
}

export class Stage {
  readonly #options: StageOptions;
  readonly #population: Population;
  #operator: OperatorProcess;
  #players: Players | undefined;
  #changes: Changes | undefined;
  #writer: Writer | undefined;

  private constructor(options: StageOptions, population: Population, operator: OperatorProcess) {
    this.#options = options;
    this.#population = population;
    this.#operator = operator;
  }

  /** Populates and starts the operator. */
  static async open(options: StageOptions): Promise<Stage> {
    const { client, size, operator, say } = options;
    const population = await populate(client, size, say);
    const stage = new Stage(options, population, await startOperator(operator));
    say(`operator ready after ${stage.#operator.readyMs.toFixed(0)} ms`);
    return stage;
  }

  get operator(): OperatorProcess {
    return this.#operator;
  }

  /** Waits until the operator writes no more than it does in the long run: files follow the stream at their own pace. */
  async settle(): Promise<void> {
    const begun = performance.now();
    const writes = async () => sumOf(await this.#operator.metrics(), WRITES);
    for (let before = await writes(); ;) {
      await pause(QUIET_MS);
      const now = await writes();
      const seconds = ((performance.now() - begun) / 1000).toFixed(0);
      const done = (1000 * (now - before)) / QUIET_MS <= QUIET_RATE;
      if (done || performance.now() - begun > SETTLE_MS) {
        this.#options.say(`${now} writes; ${done ? 'settled' : 'not settled'} after ${seconds} s`);
        return;
      }
      before = now;
    }
  }

  /** What the operator costs while nothing happens. */
  async idle(seconds: number): Promise<Cost> {
    const stop = this.#operator.measure();
    await pause(seconds * 1000);
    return stop();
  }

  /** Starts the proxies with nothing but their certificates, once the operator has issued these. */
  async connect(): Promise<Connected> {
    const { client, size, processes, say } = this.#options;
    const identities = await identitiesOf(client, this.#population.services, IDENTITIES_MS);
    const before = await this.#bytesSent();
    this.#players = new Players({
      processes,
      control: { host: '127.0.0.1', port: CONTROL_PORT },
      proxies: this.#places(),
      identities,
      onObserved: (observed) => this.#changes?.observed(observed),
    });
    const all = size.proxies;
    const ms = await this.#players.until(
      ({ connected, inForce }) => connected === all && inForce === all,
      CONNECT_MS,
    );
    const bytes = (await this.#bytesSent()) - before;
    say(`${all} proxies have their documents after ${ms.toFixed(0)} ms: ${bytes} bytes`);
    await this.settle();
    return { ms, bytes };
  }

  /** The applications call services of other namespaces for the first time. Resolves with what their parts took. */
  async call(): Promise<number> {
    const { size, calls, say } = this.#options;
    const players = this.#players!;
    players.call();
    const wanted = size.proxies * Math.min(calls, usedBy(size, 0, calls).length);
    const ms = await players.until(({ used }) => used >= wanted, CONNECT_MS);
    say(`${wanted} services of other namespaces are in use after ${ms.toFixed(0)} ms`);
    await this.settle();
    return ms;
  }

  /** Changes endpoints for so long. */
  async change(seconds: number): Promise<ChangeRun> {
    await this.#write(WARM_UP_SECONDS);
    const { client, processes } = this.#options;
    const [before, sent, cpu] = [
      await writesSoFar(client),
      await this.#bytesSent(),
      this.#players?.cpuUs() ?? 0,
    ];
    const stop = this.#operator.measure();
    const changes = await this.#write(seconds);
    const cost = stop();
    const perSecond = (count: number) => count / cost.seconds;
    const times = changes.times();
    const writes = writesBetween(before, await writesSoFar(client), { endpointslices: times.changes });
    return {
      cost,
      times,
      writesPerSecond: perSecond(total(writes)),
      writes: Object.fromEntries(Array.from(writes, ([key, count]) => [key, perSecond(count)])),
      sentPerSecond: perSecond((await this.#bytesSent()) - sent),
      playersCores: perSecond((this.#players?.cpuUs() ?? 0) - cpu) / 1e6 / processes,
      playersLagMs: this.#players?.lagMs ?? 0,
    };
  }

  /** Ends the operator and starts another one at once, as a rolling update does at worst. */
  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<Restarted> {
    const { operator, size, say } = this.#options;
    const players = this.#players!;
    const begun = performance.now();
    await this.#operator.stop(signal);
    const endMs = performance.now() - begun;
    this.#operator = await startOperator(operator);
    const operatorMs = performance.now() - begun;
    const parts: number[] = [];
    for (const share of [0.5, 0.9, 0.99, 1]) {
      await players.until(({ connected }) => connected >= share * size.proxies, CONNECT_MS);
      parts.push(performance.now() - begun);
    }
    const [halfMs = 0, p90Ms = 0, p99Ms = 0, ms = 0] = parts;
    // what is told to those that came last
    await pause(AFTERWARDS_MS);
    const bytes = await this.#bytesSent();
    const [half, ...others] = parts.map((part) => part.toFixed(0));
    say(
      `${signal}: operator gone after ${endMs.toFixed(0)} ms, back after ${operatorMs.toFixed(0)}, half of the proxies after ${half}, 90 %, 99 % and all after ${others.join(', ')}: ${bytes} bytes`,
    );
    return { ms, endMs, operatorMs, halfMs, p90Ms, p99Ms, bytes };
  }

  async close(): Promise<void> {
    await this.#players?.stop();
    await this.#operator.stop('SIGTERM');
  }

  async #bytesSent(): Promise<number> {
    return sumOf(await this.#operator.metrics(), BYTES_SENT);
  }

  async #write(seconds: number): Promise<Changes> {
    const players = this.#players;
    const changes = new Changes((id) => players?.forget(id));
    this.#changes = changes;
    const { client, perSecond, say } = this.#options;
    this.#writer ??= new Writer({
      client,
      services: this.#population.services,
      perSecond,
      announce: async (expectation) =>
        this.#changes!.open(expectation.id, (await players?.expect(expectation)) ?? 0),
      changed: (change) => this.#changes!.made(change),
      failed: (error) => say(`a change failed: ${error.message}`),
    });
    this.#writer.start();
    await pause(seconds * 1000);
    await this.#writer.stop();
    await changes.settled();
    return changes;
  }

  #places(): ProxyPlace[] {
    const { services, uids } = this.#population;
    const { size, calls } = this.#options;
    return services.flatMap((service, index) => {
      const used = usedBy(size, index, calls);
      return service.pods
        .filter(({ hasProxy }) => hasProxy)
        .map((pod) => {
          const { namespace, name } = pod;
          const uid = uids.get(`${namespace}/${name}`)!;
          return { namespace, name, uid, workload: service.name, labels: podLabels(pod), calls: used };
        });
    });
  }
}
