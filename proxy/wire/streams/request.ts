/** A request that came as an HTTP/2 stream. */
import type { FieldList, Request } from '../exchange/message.ts';
import { cut } from '../exchange/cuts.ts';
import type { Http2Head } from '../http2/head.ts';
import { dropCuts } from './fields.ts';
import { MARK, OTHER_PROTOCOL, parseMark, type Http1Mark } from './http1Mark.ts';

/** RFC 9110, 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);

export class StreamRequest implements Request {
  readonly version = 20;
  readonly chunked = false;
  readonly scheme: string;
  readonly authority: string;
  /** The request target; '' for CONNECT. */
  readonly target: string;
  /** RFC 8441: the protocol that a CONNECT asks for; '' where it is a plain one. */
  readonly protocol: string;
  /** Regular fields, without what only proxies may say. */
  readonly fields: FieldList;
  /** It was HTTP/1.x where an authenticated proxy took it in. */
  readonly mark: Http1Mark | undefined;
  readonly contentLength: number;
  readonly ended: boolean;
  expectContinue = false;
  grpc = false;
  requestId = '';
  traceparent = '';
  private readonly pseudoMethod: string;

  /** `trusted`: the client is a proxy that proved its identity. `ended`: there is no body. */
  constructor(head: Http2Head, { trusted, ended }: { trusted: boolean; ended: boolean }) {
    this.pseudoMethod = head.method;
    this.scheme = head.scheme;
    this.authority = head.authority;
    this.target = head.path;
    this.contentLength = head.contentLength;
    this.ended = ended;
    this.mark = this.look(head.fields, trusted);
    this.protocol = (head.protocol === OTHER_PROTOCOL && this.mark?.upgrade) || head.protocol;
    this.fields = dropCuts(head.fields, cut.reason | cut.weft);
  }

  get method(): string {
    // an upgrade travels as CONNECT, but is the GET that its server will see
    return this.upgrading ? this.mark?.method || 'GET' : this.pseudoMethod;
  }
  get protocolName(): string {
    if (this.mark === undefined) return 'HTTP/2';
    return this.mark.version === 10 ? 'HTTP/1.0' : 'HTTP/1.1';
  }
  get path(): string {
    return this.target;
  }
  get idempotent(): boolean {
    return IDEMPOTENT.has(this.method);
  }
  get hasRequestId(): boolean {
    return this.requestId !== '';
  }
  get http2(): boolean {
    return this.mark === undefined;
  }
  get upgrading(): boolean {
    return this.protocol !== '';
  }

  private look(fields: FieldList, trusted: boolean): Http1Mark | undefined {
    let mark: Http1Mark | undefined;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!;
      const value = fields[at + 1]!;
      switch (name.length) {
        case 6:
          if (name === 'expect') this.expectContinue = value.toLowerCase() === '100-continue';
          break;
        case 10:
          if (trusted && name === MARK) mark = parseMark(value);
          break;
        case 11:
          if (name === 'traceparent') this.traceparent = value;
          break;
        case 12:
          if (name === 'x-request-id') this.requestId = value;
          else if (name === 'content-type') this.grpc = isGrpc(value);
          break;
      }
    }
    return mark;
  }
}

/** `application/grpc`, also with `+proto` and parameters; not gRPC-Web, which is HTTP like any other. */
export const isGrpc = (contentType: string): boolean => /^application\/grpc(?:$|[+; ])/i.test(contentType);
