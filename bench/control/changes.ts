/** Brings together what the writer and the proxies say of each change. */
import { pause } from '../peers/process.ts';
import { Latency, type Times } from './latency.ts';
import type { Change } from './writer.ts';

/** A change that is not in force everywhere after this is counted as lost where it is not. */
export const GIVE_UP_MS = 10_000;

interface Open {
  change?: Change;
  expected: number;
  at: number[];
  /** Processes that have not told yet. */
  awaited: number;
  timer: NodeJS.Timeout;
}

export interface ChangeTimes {
  changes: number;
  /** Changes that concern no proxy at all. */
  unseen: number;
  /** Times that a proxy did not have a change in force in time. */
  lost: number;
  /** From just before the request to the API server was sent. */
  sent: Times;
  /** From its answer; a proxy may be faster than that. */
  answered: Times;
  /** The request itself. */
  request: Times;
}

export class Changes {
  readonly #forget: (id: number) => void;
  readonly #open = new Map<number, Open>();
  readonly #latency = { sent: new Latency(), answered: new Latency(), request: new Latency() };
  #changes = 0;
  #unseen = 0;
  #lost = 0;

  constructor(forget: (id: number) => void) {
    this.#forget = forget;
  }

  /** Before it is made: `processes` will tell of it. */
  open(id: number, processes: number): void {
    const timer = setTimeout(() => this.#forget(id), GIVE_UP_MS);
    this.#open.set(id, { expected: 0, at: [], awaited: processes, timer });
    if (processes === 0) this.#unseen += 1;
  }

  made(change: Change): void {
    this.#changes += 1;
    this.#latency.request.record(change.answeredAt - change.sentAt);
    const open = this.#open.get(change.id);
    if (!open) return;
    open.change = change;
    this.#close(change.id, open);
  }

  observed({ id, expected, at }: { id: number; expected: number; at: readonly number[] }): void {
    const open = this.#open.get(id);
    if (!open) return;
    open.expected += expected;
    open.at.push(...at);
    open.awaited -= 1;
    this.#close(id, open);
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await pause(50);
  }

  times(): ChangeTimes {
    const { sent, answered, request } = this.#latency;
    const times = { sent: sent.times(), answered: answered.times(), request: request.times() };
    return { changes: this.#changes, unseen: this.#unseen, lost: this.#lost, ...times };
  }

  #close(id: number, { change, awaited, expected, at, timer }: Open): void {
    if (!change || awaited > 0) return;
    clearTimeout(timer);
    this.#open.delete(id);
    this.#lost += expected - at.length;
    for (const each of at) {
      this.#latency.sent.record(each - change.sentAt);
      this.#latency.answered.record(each - change.answeredAt);
    }
  }
}
