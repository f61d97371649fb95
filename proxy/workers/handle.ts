/** One worker, as the main thread holds it. */
import type { Address } from '../context.ts';
import type { Sides } from '../serving.ts';
import type { WriteSome } from '../telemetry/lineWriter.ts';
import type { Answers, Asked, FromWorker, OutputFd, ToWorker } from './messages.ts';

/** What is used of a Worker. */
export interface Thread {
  postMessage(message: ToWorker, transfer: []): void;
  on(event: 'message', listener: (message: FromWorker) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

export interface HandleOptions {
  worker: Thread;
  output: Readonly<Record<OutputFd, WriteSome>>;
  /** How long an answer is waited for, in ms. */
  askMs: number;
  onServing: (addresses: Sides<readonly Address[]>) => void;
  /** An application calls a service that only the directory knows. */
  onWant: (service: string) => void;
  /** It is gone, for `reason`. */
  onEnd: (reason: Error) => void;
}

interface Question {
  readonly answer: Promise<Answers[Asked] | undefined>;
  resolve(value: Answers[Asked] | undefined): void;
  late: boolean;
}

export class Handle {
  serving = false;
  /** performance.now() since when it serves. */
  since = Infinity;
  /** The last metrics that it gave: a worker that does not answer has counted all the same. */
  metrics = '';
  /** Resolves when it has ended its work, or is gone. */
  readonly stopped: Promise<void>;
  readonly #options: HandleOptions;
  readonly #asked = new Map<Asked, Question>();
  #stopped!: () => void;
  #reason: Error | undefined;

  constructor(options: HandleOptions) {
    this.#options = options;
    this.stopped = new Promise((resolve) => (this.#stopped = resolve));
    const { worker } = options;
    worker.on('message', (message: FromWorker) => this.#heard(message));
    worker.on('error', (error) => (this.#reason = error));
    worker.on('exit', (code) => this.#ended(code));
  }

  tell(message: ToWorker): void {
    this.#options.worker.postMessage(message, []);
  }

  /**
   * Undefined where it does not answer in time. One that hangs is neither asked the same again nor waited for until it
   * has answered: however often we are asked ourselves, one question of each kind waits for it.
   */
  async ask<What extends Asked>(what: What): Promise<Answers[What] | undefined> {
    const question = this.#asked.get(what) ?? this.#put(what);
    return question.late ? undefined : ((await question.answer) as Answers[What] | undefined);
  }

  #put(what: Asked): Question {
    const { promise: answer, resolve } = Promise.withResolvers<Answers[Asked] | undefined>();
    const timer = setTimeout(() => {
      question.late = true;
      resolve(undefined);
    }, this.#options.askMs);
    const question: Question = {
      answer,
      late: false,
      resolve: (value) => {
        clearTimeout(timer);
        resolve(value);
      },
    };
    this.#asked.set(what, question);
    this.tell({ type: 'ask', what });
    return question;
  }

  #answered(what: Asked, value: Answers[Asked] | undefined): void {
    this.#asked.get(what)?.resolve(value);
    this.#asked.delete(what);
  }

  async refreshMetrics(): Promise<void> {
    this.metrics = (await this.ask('metrics')) ?? this.metrics;
  }

  #heard(message: FromWorker): void {
    switch (message.type) {
      case 'serving':
        this.serving = true;
        this.since = performance.now();
        return this.#options.onServing(message.addresses);
      case 'failed':
        this.#reason = Object.assign(new Error(message.message), { code: message.code });
        return;
      case 'answer':
        return this.#answered(message.what, message.value);
      case 'want':
        return this.#options.onWant(message.service);
      case 'write':
        return this.#write(message.fd, message.bytes);
      case 'stopped':
        return this.#stopped();
    }
  }

  #write(fd: OutputFd, { buffer }: Uint8Array<ArrayBuffer>): void {
    this.#options.output[fd](Buffer.from(buffer), (error) =>
      this.tell({ type: 'written', fd, failure: error?.code }),
    );
  }

  #ended(code: number): void {
    this.serving = false;
    for (const what of this.#asked.keys()) this.#answered(what, undefined);
    this.#stopped();
    this.#options.onEnd(this.#reason ?? new Error(`it ended with ${code}`));
  }
}
