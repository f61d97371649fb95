/** Handlers that do as bytes tell them, and throw where the connection breaks what handlers.ts promises. */
import type { ConnectionHandler, StreamHandler } from '../handlers.ts';
import type { Http2Head } from '../head.ts';
import type { Http2Stream } from '../stream.ts';

const OK: readonly string[] = [':status', '200', 'x-a', 'b'];
const EARLY: readonly string[] = [':status', '103'];
const CONTENT = Buffer.alloc(70_000, 'x');

function must(condition: boolean, text: string): void {
  if (!condition) throw new Error(`contract: ${text}`);
}

class Checked implements StreamHandler {
  stream: Http2Stream | undefined = undefined;
  readonly behaviour: number;
  responded: boolean;
  ended = false;
  gone = false;

  /** `behaviour`: bits of what it does when. */
  constructor(behaviour: number, responded: boolean) {
    this.behaviour = behaviour;
    this.responded = responded;
  }

  private alive(): void {
    must(!this.gone, 'told after the reset');
    must(!this.ended, 'told after the end');
  }
  interim(head: Http2Head): void {
    this.alive();
    must(!this.responded && head.status < 200, 'interim head after the final one');
  }
  response(head: Http2Head, ended: boolean): void {
    this.alive();
    must(!this.responded && head.status >= 200, 'second final head');
    this.responded = true;
    this.end(ended);
  }
  data(bytes: Buffer, ended: boolean): void {
    this.alive();
    must(this.responded, 'data before the head');
    const { stream, behaviour } = this;
    if ((behaviour & 4) !== 0 && stream?.write(bytes) === false) stream.pause();
    if ((behaviour & 8) !== 0) stream?.pause();
    this.end(ended);
    if ((behaviour & 16) !== 0) this.cancel();
  }
  trailers(fields: string[]): void {
    this.alive();
    must(this.responded && fields.length % 2 === 0, 'trailers before the head');
    this.end(true);
  }
  drain(): void {
    must(!this.gone, 'drain after the reset');
    if ((this.behaviour & 32) !== 0) this.stream?.write(CONTENT);
  }
  reset(): void {
    must(!this.gone, 'reset twice');
    must(this.stream === undefined || this.stream.closed, 'reset of an open stream');
    this.gone = true;
  }
  private end(ended: boolean): void {
    if (!ended) return;
    this.ended = true;
    if ((this.behaviour & 64) === 0)
      this.stream?.end((this.behaviour & 128) !== 0 ? ['x-t', 'u'] : undefined);
  }
  private cancel(): void {
    if (this.stream === undefined || this.stream.closed) return;
    this.stream.reset((this.behaviour & 1) * 8);
    // only after an end is there anything left to happen
    if (this.stream.closed) this.gone = true;
  }
}

export class ContractHandler implements ConnectionHandler {
  readonly streams: Http2Stream[] = [];
  behaviour = 0;
  private wentAway = 0;
  private over = 0;

  request(stream: Http2Stream, head: Http2Head, ended: boolean): StreamHandler {
    must(this.over === 0, 'a request after the end');
    must(head.method !== '' && head.fields.length % 2 === 0, 'an incomplete head');
    const handler = new Checked(this.behaviour, true);
    handler.stream = stream;
    handler.ended = ended;
    this.streams.push(stream);
    if ((this.behaviour & 1) !== 0) stream.respond(EARLY, false);
    if ((this.behaviour & 2) !== 0) {
      stream.respond(OK, false);
      stream.write(CONTENT);
      if (ended) stream.end();
    }
    return handler;
  }
  /** For a stream that is opened from here. */
  asked(): Checked {
    return new Checked(this.behaviour, false);
  }
  unacceptable(stream: Http2Stream, _head: Http2Head, problem: string): void {
    must(this.over === 0, 'a request after the end');
    if (problem === '') stream.respond([':status', '431'], true);
  }
  goingAway(): void {
    must(++this.wentAway === 1, 'going away twice');
  }
  available(): void {
    must(this.wentAway === 0, 'available after going away');
  }
  closed(): void {
    must(++this.over === 1, 'closed twice');
    must(
      this.streams.every((stream) => stream.closed),
      'closed before its streams',
    );
  }
  errored(errorCode: number): void {
    must(errorCode !== 0, 'no error code');
  }
  boundReached(bound: string): void {
    must(/^(?:flood\.)?[a-zA-Z]+$/.test(bound), 'a bound without a name');
  }
}
