/**
 * `node redisClient.ts HOST PORT`: pipelining, publishing and blocking pops, each as a Redis client does them.
 * Prints {pipelined, received, popped, waitedMs} as JSON.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const [host = '', port = ''] = process.argv.slice(2);
const MANY = 10_000;

type Reply = string | number | null | Reply[];

/** One reply of RESP2 at `at`, and where it ends; undefined while it is not whole. */
function parse(text: string, at: number): { value: Reply; end: number } | undefined {
  const line = text.indexOf('\r\n', at);
  if (line < 0) return undefined;
  const head = text.slice(at + 1, line);
  const end = line + 2;
  if (text[at] === '-') throw new Error(head);
  if (text[at] === '+') return { value: head, end };
  if (text[at] === ':') return { value: Number(head), end };
  const size = Number(head);
  if (size < 0) return { value: null, end };
  if (text[at] === '$') {
    return text.length < end + size + 2
      ? undefined
      : { value: text.slice(end, end + size), end: end + size + 2 };
  }
  const items: Reply[] = [];
  let next = end;
  for (let i = 0; i < size; i += 1) {
    const item = parse(text, next);
    if (!item) return undefined;
    items.push(item.value);
    next = item.end;
  }
  return { value: items, end: next };
}

const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;

class Client {
  readonly replies: Reply[] = [];
  private readonly socket: Socket;
  private text = '';

  constructor() {
    this.socket = connect({ host, port: Number(port), noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => {
      this.text += chunk;
      let at = 0;
      for (let found = parse(this.text, at); found; found = parse(this.text, at)) {
        this.replies.push(found.value);
        at = found.end;
      }
      this.text = this.text.slice(at);
    });
    this.socket.on('error', (error) => {
      process.stderr.write(`${error}\n`);
      process.exit(1);
    });
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Waits until so many replies came. */
  async until(count: number): Promise<Reply[]> {
    const end = Date.now() + 20_000;
    while (this.replies.length < count) {
      if (Date.now() > end) throw new Error(`${this.replies.length} replies of ${count} after 20 s`);
      await pause(1);
    }
    return this.replies;
  }
}

const [one, other] = [new Client(), new Client()];

one.send(Array.from({ length: MANY }, (_, i) => command('SET', `key:${i}`, `value ${i}`)).join(''));
one.send(Array.from({ length: MANY }, (_, i) => command('GET', `key:${i}`)).join(''));
const values = (await one.until(2 * MANY)).slice(MANY);
const pipelined = values.filter((value, i) => value === `value ${i}`).length;

one.replies.length = 0;
one.send(command('BLPOP', 'queue', '0'));
const started = performance.now();
await pause(2_000);
other.send(command('RPUSH', 'queue', 'at last'));
const popped = (await one.until(1))[0];
const waitedMs = Math.round(performance.now() - started);

one.replies.length = 0;
one.send(command('SUBSCRIBE', 'news'));
await one.until(1);
other.send(Array.from({ length: 1000 }, (_, i) => command('PUBLISH', 'news', String(i))).join(''));
const messages = (await one.until(1001)).slice(1) as Reply[][];
const received = messages.filter(([, , message], i) => message === String(i)).length;

process.stdout.write(`${JSON.stringify({ pipelined, received, popped, waitedMs })}\n`);
process.exit(0);
