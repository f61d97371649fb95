/** Handlers that write down what they are told. */
import type { ConnectionHandler, StreamHandler } from '../handlers.ts';
import type { Http2Head } from '../head.ts';
import type { Http2Stream } from '../stream.ts';

export class StreamRecorder implements StreamHandler {
  readonly events: string[];
  readonly name: string;
  head: Http2Head | undefined;
  body = Buffer.alloc(0);
  /** Of `reset`. */
  problem = '';
  onDrain: () => void = () => {};

  constructor(events: string[], name: string) {
    this.events = events;
    this.name = name;
  }
  interim(head: Http2Head): void {
    this.events.push(`${this.name} interim ${head.status}`);
  }
  response(head: Http2Head, ended: boolean): void {
    this.head = head;
    this.events.push(`${this.name} response ${head.status}${ended ? ' END' : ''}`);
  }
  data(bytes: Buffer, ended: boolean): void {
    this.body = Buffer.concat([this.body, bytes]);
    if (ended) this.events.push(`${this.name} end ${this.body.length}`);
  }
  trailers(fields: string[]): void {
    this.events.push(`${this.name} trailers ${this.body.length} ${fields.join(',')}`);
  }
  drain(): void {
    this.onDrain();
  }
  reset(code: number, unprocessed: boolean, problem: string): void {
    this.problem = problem;
    this.events.push(`${this.name} reset ${code}${unprocessed ? ' unprocessed' : ''}`);
  }
}

export class Recorder implements ConnectionHandler {
  readonly events: string[] = [];
  readonly streams: Http2Stream[] = [];
  readonly heads: Http2Head[] = [];
  readonly handlers: StreamRecorder[] = [];
  error: Error | undefined;
  /** `id method path: problem` of each request that is not acceptable. */
  readonly unacceptables: string[] = [];
  /** `ours 1` and `theirs 8`. */
  readonly errors: string[] = [];
  readonly bounds: string[] = [];
  onUnacceptable: (stream: Http2Stream, problem: string) => void = (stream, problem) => {
    if (problem === '') stream.respond([':status', '431'], true);
  };
  /** What to do with a request. */
  onRequest: (stream: Http2Stream, head: Http2Head, ended: boolean) => void = () => {};

  request(stream: Http2Stream, head: Http2Head, ended: boolean): StreamHandler {
    this.events.push(`${stream.id} request ${head.method} ${head.path}${ended ? ' END' : ''}`);
    this.streams.push(stream);
    this.heads.push(head);
    const handler = new StreamRecorder(this.events, String(stream.id));
    this.handlers.push(handler);
    this.onRequest(stream, head, ended);
    return handler;
  }
  unacceptable(stream: Http2Stream, head: Http2Head, problem: string): void {
    this.unacceptables.push(`${stream.id} ${head.method} ${head.path}: ${problem}`);
    this.onUnacceptable(stream, problem);
  }
  errored(errorCode: number, ours: boolean): void {
    this.errors.push(`${ours ? 'ours' : 'theirs'} ${errorCode}`);
  }
  boundReached(bound: string): void {
    this.bounds.push(bound);
  }
  goingAway(): void {
    this.events.push('going away');
  }
  available(): void {
    this.events.push('available');
  }
  closed(error: Error | undefined): void {
    this.error = error;
    this.events.push(error ? `closed: ${error.message}` : 'closed');
  }
}
