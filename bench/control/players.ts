/** The processes that play the proxies, as the one that runs the benchmark sees them. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { cpuUs } from '../peers/process.ts';
import type { Files } from '../../proxy/config/mount.ts';
import type { Counts, Expectation, FromProxies, ProxyPlace, ToProxies } from './messages.ts';

const PROGRAM = join(import.meta.dirname, 'player.ts');
const END_MS = 10_000;
const NOTHING: Counts = { connected: 0, inForce: 0, used: 0, refused: 0 };

type Observed = Extract<FromProxies, { type: 'observed' }>;

export interface PlayersOptions {
  processes: number;
  control: { host: string; port: number };
  proxies: readonly ProxyPlace[];
  identities: Readonly<Record<string, Files>>;
  onObserved: (observed: Observed) => void;
}

interface Player {
  readonly child: ChildProcess;
  counts: Counts;
  rssMb: number;
  lagMs: number;
  /** Answers to `expect`, by the number of the change. */
  readonly answers: Map<number, (proxies: number) => void>;
}

export class Players {
  readonly #players: Player[];
  readonly #options: PlayersOptions;
  #changed: (() => void)[] = [];
  #failure: Error | undefined;

  constructor(options: PlayersOptions) {
    this.#options = options;
    const { processes, proxies, identities, control } = options;
    this.#players = Array.from({ length: processes }, () => this.#fork());
    for (const [index, player] of this.#players.entries()) {
      const own = proxies.filter((_, at) => at % processes === index);
      const names = new Set(own.map(({ namespace, workload }) => `${namespace}/${workload}`));
      const theirs = Object.fromEntries(Object.entries(identities).filter(([name]) => names.has(name)));
      this.#send(player, { type: 'start', control, proxies: own, identities: theirs });
    }
  }

  get counts(): Counts {
    const sum = (read: (counts: Counts) => number) =>
      this.#players.reduce((total, { counts }) => total + read(counts), 0);
    return {
      connected: sum(({ connected }) => connected),
      inForce: sum(({ inForce }) => inForce),
      used: sum(({ used }) => used),
      refused: sum(({ refused }) => refused),
    };
  }

  /** Of all processes together, and how late the timers of the latest were in the last second. */
  get rssMb(): number {
    return this.#players.reduce((total, { rssMb }) => total + rssMb, 0);
  }

  get lagMs(): number {
    return Math.max(0, ...this.#players.map(({ lagMs }) => lagMs));
  }

  /** CPU time of all processes so far. */
  cpuUs(): number {
    return this.#players.reduce((total, { child }) => total + cpuUs(child.pid!), 0);
  }

  call(): void {
    for (const player of this.#players) this.#send(player, { type: 'call' });
  }

  /** Resolves with the number of processes that hold the service in a proxy, once all know what to look for. */
  async expect(expectation: Expectation): Promise<number> {
    const answers = this.#players.map(
      (player) =>
        new Promise<number>((resolve) => {
          player.answers.set(expectation.id, resolve);
          this.#send(player, { type: 'expect', ...expectation });
        }),
    );
    return (await Promise.all(answers)).filter((proxies) => proxies > 0).length;
  }

  forget(id: number): void {
    for (const player of this.#players) this.#send(player, { type: 'forget', id });
  }

  /** Resolves with the time that it took, in ms; rejects where it takes longer than `withinMs`. */
  async until(is: (counts: Counts) => boolean, withinMs: number): Promise<number> {
    const begun = performance.now();
    while (!is(this.counts)) {
      const left = begun + withinMs - performance.now();
      if (this.#failure) throw this.#failure;
      if (left <= 0) throw new Error(`proxies after ${withinMs} ms: ${JSON.stringify(this.counts)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return performance.now() - begun;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#players.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
        child.disconnect();
        await ended;
        clearTimeout(timer);
      }),
    );
  }

  #fork(): Player {
    const child = fork(PROGRAM, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const player: Player = { child, counts: NOTHING, rssMb: 0, lagMs: 0, answers: new Map() };
    child.on('message', (message) => this.#heard(player, message as FromProxies));
    child.once('exit', (code, signal) => {
      if (signal !== 'SIGKILL')
        this.#failure = new Error(`a process of proxies ended with ${code ?? signal}`);
      this.#tell();
    });
    process.once('exit', () => child.kill('SIGKILL'));
    return player;
  }

  #send({ child }: Player, message: ToProxies): void {
    if (child.connected) child.send(message);
  }

  #heard(player: Player, message: FromProxies): void {
    if (message.type === 'observed') return this.#options.onObserved(message);
    if (message.type === 'expecting') {
      player.answers.get(message.id)?.(message.proxies);
      player.answers.delete(message.id);
      return;
    }
    const { connected, inForce, used, refused, rssMb, lagMs } = message;
    Object.assign(player, { counts: { connected, inForce, used, refused }, rssMb, lagMs });
    this.#tell();
  }

  #tell(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const each of waiting) each();
  }
}
