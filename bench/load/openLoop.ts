/**
 * HTTP/1.1 at a fixed rate: a request is due when it is due, whatever became of those before. Its latency counts from
 * that moment, so that a stall is felt by every request that it delayed (no coordinated omission).
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { PacerData } from './pacer.ts';
import { TRACE_HEADER } from './run.ts';

export interface OpenLoopOptions {
  port: number;
  path?: string;
  perSecond: number;
  seconds: number;
  /** Opened before the first request; a request waits, with its time running, where all are busy. */
  connections: number;
}

export interface OpenLoop {
  /** From the due time to the last byte, ms, sorted. */
  latenciesMs: Float64Array;
  /** From the due time to the write, where a connection was free, ms, sorted: how late the generator itself is. */
  lagsMs: Float64Array;
  errors: number;
}

const nowNs = () => process.hrtime.bigint();
const LAST_ANSWERS_MS = 10_000;
const HEAD_END = Buffer.from('\r\n\r\n');

/** One connection with one request at a time. Reads answers that have a length. */
class Connection {
  private readonly socket: Socket;
  private readonly request: Buffer;
  private readonly answered: (connection: Connection, ok: boolean) => void;
  private missing = -1;
  private head: Buffer = Buffer.alloc(0);
  private ok = false;
  dueNs = 0n;

  constructor(socket: Socket, request: Buffer, answered: (connection: Connection, ok: boolean) => void) {
    this.socket = socket;
    this.request = request;
    this.answered = answered;
    socket.on('data', (chunk: Buffer) => this.read(chunk));
  }

  send(dueNs: bigint): void {
    this.dueNs = dueNs;
    this.socket.write(this.request);
  }

  private read(chunk: Buffer): void {
    if (this.missing >= 0) return this.body(chunk.length);
    this.head = this.head.length === 0 ? chunk : Buffer.concat([this.head, chunk]);
    const end = this.head.indexOf(HEAD_END);
    if (end < 0) return;
    const text = this.head.toString('latin1', 0, end);
    const rest = this.head.length - end - HEAD_END.length;
    this.head = Buffer.alloc(0);
    this.ok = text.startsWith('HTTP/1.1 2');
    this.missing = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    this.body(rest);
  }

  private body(bytes: number): void {
    this.missing -= bytes;
    if (this.missing > 0) return;
    this.missing = -1;
    this.answered(this, this.ok);
  }

  end(): void {
    this.socket.destroy();
  }
}

class Run {
  private readonly free: Connection[] = [];
  private readonly waiting: bigint[] = [];
  private readonly latencies: number[] = [];
  private readonly lags: number[] = [];
  private errors = 0;
  private due = 0;

  async connect({ port, path = '/', connections }: OpenLoopOptions): Promise<void> {
    const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: server\r\n${TRACE_HEADER}\r\n\r\n`);
    for (let index = 0; index < connections; index += 1) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      socket.on('error', () => (this.errors += 1));
      this.free.push(new Connection(socket, request, (connection, ok) => this.answered(connection, ok)));
    }
  }

  private answered(connection: Connection, ok: boolean): void {
    this.latencies.push(Number(nowNs() - connection.dueNs) / 1e6);
    if (!ok) this.errors += 1;
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(connection);
    else connection.send(next);
  }

  /** Sends all that is due by now. */
  sendDue(count: number, dueAt: (index: number) => bigint): void {
    for (; this.due < count && dueAt(this.due) <= nowNs(); this.due += 1) {
      const due = dueAt(this.due);
      // round robin: the one that has been free for longest
      const connection = this.free.shift();
      if (connection === undefined) this.waiting.push(due);
      else {
        this.lags.push(Number(nowNs() - due) / 1e6);
        connection.send(due);
      }
    }
  }

  sent = () => this.due;
  done = () => this.latencies.length;

  result(): OpenLoop {
    for (const connection of this.free) connection.end();
    return {
      latenciesMs: Float64Array.from(this.latencies).sort(),
      lagsMs: Float64Array.from(this.lags).sort(),
      errors: this.errors + this.due - this.latencies.length,
    };
  }
}

export async function openLoop(options: OpenLoopOptions): Promise<OpenLoop> {
  const { perSecond, seconds } = options;
  const run = new Run();
  await run.connect(options);
  const count = Math.round(perSecond * seconds);
  const intervalNs = 1e9 / perSecond;
  // time for the thread to be there
  const startNs = nowNs() + 150_000_000n;
  const shared = new SharedArrayBuffer(8);
  const cells = new Int32Array(shared);
  const workerData: PacerData = { shared, startNs, intervalNs, count };
  const pacer = new Worker(new URL('pacer.ts', import.meta.url), { workerData });
  const ended = once(pacer, 'exit');
  while (run.sent() < count) {
    const seen = Atomics.load(cells, 0);
    run.sendDue(count, (index) => startNs + BigInt(Math.round(index * intervalNs)));
    if (run.sent() === count) break;
    const woken = Atomics.waitAsync(cells, 0, seen, 1000);
    if (woken.async) await woken.value;
  }
  const deadline = Date.now() + LAST_ANSWERS_MS;
  while (run.done() < count && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  await ended;
  return run.result();
}

/** Of sorted values: the smallest that `share` of them do not exceed. */
export const percentile = (sorted: Float64Array, share: number): number =>
  sorted.length === 0 ? Number.NaN : sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
