/** Asks a peer proxy to carry bytes to its application: CONNECT with `:protocol: weft-tcp` (docs/wire.md). */
import type { Code } from '../../../core/errors/index.ts';
import type { DialHandlers } from '../dial.ts';
import { knownCode } from '../exchange/refusal.ts';
import { code, codeName } from '../http2/constants.ts';
import type { StreamHandler } from '../http2/handlers.ts';
import type { Http2Head } from '../http2/head.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { listOf } from './fields.ts';
import { StreamResponse } from './response.ts';
import type { Shared } from './sharedConnections.ts';
import { StreamChannel, TCP_PROTOCOL } from './streamChannel.ts';

/** As `dial`: exactly one handler is called, never before this returns. */
export function openBytes(shared: Shared, handlers: DialHandlers): () => void {
  const asking = new Asking(shared, handlers);
  asking.ask();
  return () => asking.giveUp();
}

class Asking implements StreamHandler {
  private readonly shared: Shared;
  private readonly handlers: DialHandlers;
  private stream: Http2Stream | undefined = undefined;
  private settled = false;

  constructor(shared: Shared, handlers: DialHandlers) {
    this.shared = shared;
    this.handlers = handlers;
  }

  ask(): void {
    if (this.settled) return;
    const { connection, pool } = this.shared;
    const fields = listOf({
      ':method': 'CONNECT',
      ':protocol': TCP_PROTOCOL,
      ':scheme': 'https',
      ':authority': pool.options.upstream,
      ':path': '/',
    });
    this.stream = connection.request(fields, false, this);
    if (this.stream === undefined) this.fail('UPSTREAM_RESET', 'the peer takes no more streams');
  }

  fail(reason: Code, detail: string): void {
    if (this.settled) return;
    this.settled = true;
    this.handlers.failed(reason, detail);
  }

  giveUp(): void {
    this.settled = true;
    this.stream?.reset(code.CANCEL);
  }

  response(head: Http2Head): void {
    const { status, reason } = new StreamResponse(head, true);
    if (status === 200 && !this.settled) {
      this.settled = true;
      this.handlers.connected(new StreamChannel(this.stream!, this.shared.channel), this.shared.identity);
      return;
    }
    this.stream!.reset(code.CANCEL);
    this.fail(knownCode(reason) ?? 'UPSTREAM_PROTOCOL_ERROR', `status ${status}`);
  }

  reset(resetCode: number): void {
    this.fail('UPSTREAM_RESET', `the stream was reset: ${codeName(resetCode)}`);
  }

  interim(): void {}
  data(): void {}
  trailers(): void {}
  drain(): void {}
}
