/** Answers each request with its method, path and body, and with its trailers; waits where it is asked to. */
import type { ConnectionHandler, StreamHandler } from '../handlers.ts';
import type { Http2Head } from '../head.ts';
import type { Http2Stream } from '../stream.ts';

class Echo implements StreamHandler {
  private readonly stream: Http2Stream;

  constructor(stream: Http2Stream) {
    this.stream = stream;
  }
  interim(): void {}
  response(): void {}
  data(bytes: Buffer, ended: boolean): void {
    if (!this.stream.write(bytes)) this.stream.pause();
    if (ended) this.stream.end();
  }
  trailers(fields: string[]): void {
    this.stream.end(fields);
  }
  drain(): void {
    this.stream.resume();
  }
  reset(): void {}
}

export class EchoHandler implements ConnectionHandler {
  error: Error | undefined;
  request(stream: Http2Stream, head: Http2Head, ended: boolean): StreamHandler {
    const fields = [':status', '200', 'x-method', head.method, 'x-path', head.path];
    for (let at = 0; at < head.fields.length; at += 2) {
      if (head.fields[at]!.startsWith('x-')) fields.push(head.fields[at]!, head.fields[at + 1]!);
    }
    stream.respond([':status', '103', 'link', '</a>'], false);
    stream.respond(fields, false);
    if (ended) {
      stream.write(Buffer.from('nothing to echo'));
      stream.end();
    }
    return new Echo(stream);
  }
  unacceptable(stream: Http2Stream, _head: Http2Head, problem: string): void {
    if (problem === '') stream.respond([':status', '431'], true);
  }
  goingAway(): void {}
  available(): void {}
  closed(error: Error | undefined): void {
    this.error = error;
  }
  errored(): void {}
  boundReached(): void {}
}

/** The rest of a client's connection. */
export const clientHandler = (): ConnectionHandler => ({
  request: () => {
    throw new Error('a server has no requests');
  },
  unacceptable() {},
  goingAway() {},
  available() {},
  closed() {},
  errored() {},
  boundReached() {},
});

export interface Answer {
  head: Http2Head;
  interims: number[];
  body: Buffer;
  trailers: string[];
}

/** Collects an answer; rejects with the code of a reset. Reads slowly on demand: pauses after each piece. */
export class Collector implements StreamHandler {
  readonly answer: Promise<Answer>;
  private readonly interims: number[] = [];
  private readonly pieces: Buffer[] = [];
  private head: Http2Head | undefined;
  private resolve: (answer: Answer) => void = () => {};
  private reject: (error: Error) => void = () => {};
  onData: () => void = () => {};
  onDrain: () => void = () => {};

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
  interim(head: Http2Head): void {
    this.interims.push(head.status);
  }
  response(head: Http2Head, ended: boolean): void {
    this.head = head;
    if (ended) this.done([]);
  }
  data(bytes: Buffer, ended: boolean): void {
    this.pieces.push(bytes);
    if (ended) this.done([]);
    else this.onData();
  }
  trailers(fields: string[]): void {
    this.done(fields);
  }
  drain(): void {
    this.onDrain();
  }
  reset(code: number, unprocessed: boolean): void {
    this.reject(new Error(`reset ${code}${unprocessed ? ' unprocessed' : ''}`));
  }
  private done(trailers: string[]): void {
    const { interims, pieces } = this;
    this.resolve({ head: this.head!, interims, body: Buffer.concat(pieces), trailers });
  }
}
