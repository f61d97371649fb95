/** How a client that speaks HTTP/1.x gets its answers, from an upstream of either version. */
import type { Code } from '../../../core/errors/index.ts';
import type { Downstream, Released } from '../exchange/ends.ts';
import type { FieldList, Response } from '../exchange/message.ts';
import type { RefusalDetail } from '../exchange/refusal.ts';
import type { Station } from '../exchange/station.ts';
import { StreamResponse } from '../streams/response.ts';
import { otherResponseText, responseText, writeResponse, type Answering } from './forward.ts';
import {
  interimTextOf,
  responseTextOf,
  switchTextOf,
  writeChunk,
  writeEnd,
  type Upgrade,
} from './fromFields.ts';
import { reply } from './replies.ts';
import { HeadFirst } from './headFirst.ts';
import type { RequestHead } from './request.ts';
import type { ResponseHead } from './response.ts';
import type { ServerConnection } from './serverConnection.ts';
import { appendFields } from './toFields.ts';
import { valueOf } from '../streams/webSocket.ts';

export class Answers implements Downstream {
  private readonly connection: ServerConnection;
  private readonly out: HeadFirst;
  private readonly station: Station;
  /** What comes as DATA frames without a length goes as chunks. */
  private chunking = false;
  /** The connection carries on after this exchange. */
  private persists = true;

  constructor(connection: ServerConnection, station: Station) {
    this.connection = connection;
    this.out = new HeadFirst(connection.channel);
    this.station = station;
  }

  get request(): RequestHead {
    return this.connection.head;
  }
  get requestComplete(): boolean {
    return this.connection.body.done;
  }
  get requestBytes(): number {
    return this.connection.body.size;
  }
  get peer(): string {
    return this.connection.channel.peer;
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  inform(response: Response, cuts: number): void {
    const text =
      response instanceof StreamResponse
        ? interimTextOf(response, cuts)
        : otherResponseText(response as ResponseHead, this.answering(cuts));
    this.connection.channel.write(text);
  }

  respond(response: Response, cuts: number, ended: boolean): boolean {
    const { request, connection } = this;
    this.persists = request.persists && !this.station.closing();
    this.chunking = false;
    // whether the body still comes is up to the client: nothing after it could be read safely
    if (request.expectContinue && !this.requestComplete) this.persists = false;
    if (response instanceof StreamResponse) return this.respondFields(response, cuts, ended);
    const head = response as ResponseHead;
    if (head.untilClose || (connection.exchange.transparent && !head.persists)) this.persists = false;
    return writeResponse(connection.channel, responseText(head, this.answering(cuts)), head);
  }

  body(bytes: Buffer): boolean {
    return this.chunking ? writeChunk(this.out, bytes) : this.out.write(bytes);
  }

  complete(trailers: FieldList | undefined): void {
    if (this.chunking) writeEnd(this.out, trailers);
    else this.out.flush();
  }

  refuse(code: Code, detail: RefusalDetail): void {
    const { request, connection } = this;
    // a body that is still coming would be taken for the next request
    this.persists =
      request.persists && this.requestComplete && !connection.unreadable && !this.station.closing();
    const head = request.method === 'HEAD';
    connection.channel.write(reply(code, { ...detail, close: !this.persists, head }));
  }

  finished(): void {
    this.connection.finished(this.persists);
  }

  abort(): void {
    this.out.flush();
    this.connection.abort();
  }

  release(response: Response | undefined, cuts: number): Released {
    const { connection, request } = this;
    if (response instanceof StreamResponse)
      connection.channel.write(switchTextOf(response, cuts, upgradeOf(request)));
    else if (response)
      connection.channel.write(otherResponseText(response as ResponseHead, this.answering(cuts)));
    return { channel: connection.channel, bytes: connection.release() };
  }

  private respondFields(response: StreamResponse, cuts: number, ended: boolean): boolean {
    const bodiless = this.request.method === 'HEAD' || response.status === 204 || response.status === 304;
    const undelimited = !bodiless && !ended && response.contentLength < 0;
    // HTTP/1.0 knows no chunks: only the end of the connection ends the body
    this.chunking = undelimited && this.request.version === 11 && response.http1Version === 11;
    if (undelimited && !this.chunking) this.persists = false;
    const text = responseTextOf(response, {
      answering: this.answering(cuts),
      chunking: this.chunking,
      empty: ended && !bodiless && response.contentLength < 0,
    });
    return this.out.head(text, !ended);
  }

  private answering(cuts: number): Answering {
    const { persists, request, connection } = this;
    return { version: request.version, persists, transparent: connection.exchange.transparent, cuts };
  }
}

function upgradeOf(request: RequestHead): Upgrade {
  if (!request.upgrading) return { protocol: '', key: '' };
  const fields: string[] = [];
  appendFields(request, 0, fields);
  return { protocol: request.upgradeTo, key: valueOf(fields, 'sec-websocket-key') };
}
