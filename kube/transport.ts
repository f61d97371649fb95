import type { IncomingMessage } from 'node:http';
import type { Access } from './access.ts';
import { ApiError } from './apiError.ts';
import { sleep, systemClock, type Clock } from './clock.ts';
import { Connections, type Outgoing } from './connection.ts';
import { asApiError, parseAnswer, readBody, refusalOf, responseOf, timeoutError } from './exchange.ts';
import { LineSplitter } from './lines.ts';
import { retryDelayMs } from './retry.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export const contentTypes = {
  json: 'application/json',
  mergePatch: 'application/merge-patch+json',
  jsonPatch: 'application/json-patch+json',
  /** JSON is YAML; the server wants this name. */
  applyPatch: 'application/apply-patch+yaml',
} as const;

export interface RequestOptions {
  method?: Method;
  /** From `pathOf`. */
  path: string;
  query?: Query | undefined;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string | undefined;
  accept?: string | undefined;
  /** For the head of the answer, and again for its body, at each attempt; default 30 s. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Largest answer, default 64 MiB. */
  maxBytes?: number | undefined;
  /** Attempts after the first, where a repetition is safe (retry.ts); default 3. */
  retries?: number | undefined;
}

export interface StreamOptions {
  path: string;
  query?: Query | undefined;
  accept?: string | undefined;
  /** Until the head of the answer is there; default 30 s. The stream itself lasts until `signal` or the server ends it. */
  timeoutMs?: number | undefined;
  signal: AbortSignal;
  /** Default 16 MiB. */
  maxLineBytes?: number | undefined;
}

export interface TransportOptions {
  access: Access;
  /** Shown in the audit log of the API server, and the field manager of writes that name none. */
  userAgent?: string;
  clock?: Clock;
  random?: () => number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_ERROR_BYTES = 1024 * 1024;

type Attempt = Outgoing & { name: string; body?: string | undefined; timeoutMs: number };

/** Requests to one API server over kept connections. Errors are ApiError; an aborted signal rejects with its reason. */
export class Transport {
  readonly #connections: Connections;
  readonly #userAgent: string;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor({ access, userAgent = 'weft', clock = systemClock, random = Math.random }: TransportOptions) {
    this.#connections = new Connections(access);
    this.#userAgent = userAgent;
    this.#clock = clock;
    this.#random = random;
  }

  /** One JSON exchange; the parsed answer. Repeats by itself what is safe to repeat. */
  async request<T>(options: RequestOptions): Promise<T> {
    const { signal } = options;
    const outgoing = this.#outgoing(options);
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      try {
        return (await this.#exchange(outgoing, options)) as T;
      } catch (error) {
        signal?.throwIfAborted();
        // A token that expired early: look at its file again, once.
        const renew: boolean = error instanceof ApiError && error.status === 401 && !renewed;
        outgoing.renew = renew;
        renewed ||= renew;
        const delay = renew ? 0 : retryDelayMs(error, options, { attempt, random: this.#random });
        if (delay === undefined) throw error;
        await sleep(this.#clock, delay, signal);
      }
    }
  }

  /** The lines of an endless answer. Ends when the server ends it; throws ApiError, or the reason of `signal`. */
  async *stream(options: StreamOptions): AsyncGenerator<string, void, undefined> {
    const { signal, maxLineBytes = MAX_LINE_BYTES } = options;
    const outgoing: Attempt = { ...this.#outgoing(options), streaming: true };
    const { response, release } = await this.#send(outgoing, signal);
    try {
      if (response.statusCode !== 200) {
        throw refusalOf(outgoing.name, response, await readBody(response, MAX_ERROR_BYTES));
      }
      const splitter = new LineSplitter(maxLineBytes);
      for await (const chunk of response as AsyncIterable<Buffer>) yield* splitter.push(chunk);
      const rest = splitter.end();
      if (rest !== '') yield rest;
    } catch (error) {
      signal.throwIfAborted();
      throw asApiError(outgoing.name, error);
    } finally {
      release();
      response.destroy();
    }
  }

  /** Ends every connection, also of running requests. */
  close(): void {
    this.#connections.close();
  }

  #outgoing(options: RequestOptions): Attempt {
    const { method = 'GET', path, query = {}, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const headers: Record<string, string | number> = {
      accept: options.accept ?? contentTypes.json,
      'user-agent': this.#userAgent,
    };
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    if (body !== undefined) {
      headers['content-type'] = options.contentType ?? contentTypes.json;
      headers['content-length'] = Buffer.byteLength(body);
    }
    const pairs = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
    );
    const target = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
    return { method, path: target, headers, body, timeoutMs, name: `${method} ${path}` };
  }

  async #exchange(outgoing: Attempt, options: RequestOptions): Promise<unknown> {
    const { name, timeoutMs } = outgoing;
    const { response, release } = await this.#send(outgoing, options.signal);
    const cancel = this.#clock.after(timeoutMs, () => response.destroy(timeoutError(name, timeoutMs)));
    try {
      const text = await readBody(response, options.maxBytes ?? MAX_ANSWER_BYTES);
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) throw refusalOf(name, response, text);
      return parseAnswer(name, text);
    } catch (error) {
      response.destroy();
      throw asApiError(name, error);
    } finally {
      cancel();
      release();
    }
  }

  /** Sends and waits for the head of the answer. Until `release`, `signal` breaks the connection. */
  async #send(
    outgoing: Attempt,
    signal: AbortSignal | undefined,
  ): Promise<{ response: IncomingMessage; release: () => void }> {
    const { name, timeoutMs } = outgoing;
    const request = await this.#connections.open(outgoing);
    const abort = (): void => void request.destroy(new Error('aborted'));
    const release = (): void => signal?.removeEventListener('abort', abort);
    const cancel = this.#clock.after(timeoutMs, () => request.destroy(timeoutError(name, timeoutMs)));
    try {
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
      return { response: await responseOf(request, outgoing.body), release };
    } catch (error) {
      release();
      signal?.throwIfAborted();
      throw asApiError(name, error);
    } finally {
      cancel();
    }
  }
}
