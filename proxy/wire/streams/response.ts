/** A response that came as an HTTP/2 stream. */
import type { FieldList, Response } from '../exchange/message.ts';
import type { Http2Head } from '../http2/head.ts';
import { MARK, parseMark, type Http1Mark } from './http1Mark.ts';

export class StreamResponse implements Response {
  readonly version = 20;
  readonly chunked = false;
  /** 101 where a mark says that the application switched protocols, which HTTP/2 says by 200. */
  status: number;
  readonly fields: FieldList;
  readonly contentLength: number;
  /** It was HTTP/1.x where an authenticated proxy took it in. */
  mark: Http1Mark | undefined = undefined;
  reason = '';
  unprocessed = false;
  /** Undefined where it is not said here. */
  grpcStatus: number | undefined = undefined;

  /** `trusted`: the server is a proxy that proved its identity. */
  constructor(head: Http2Head, trusted: boolean) {
    this.status = head.status;
    this.fields = head.fields;
    this.contentLength = head.contentLength;
    this.look(trusted);
  }

  get http1Version(): 10 | 11 {
    return this.mark?.version ?? 11;
  }

  private take(mark: Http1Mark): void {
    this.mark = mark;
    if (mark.switched) this.status = 101;
  }

  private look(trusted: boolean): void {
    const { fields } = this;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!;
      if (name.length === 11) {
        if (name === 'grpc-status') this.grpcStatus = Number(fields[at + 1]);
      } else if (!trusted) continue;
      else if (name.length === 10 && name === MARK) this.take(parseMark(fields[at + 1]!));
      else if (name.length === 13 && name === 'x-weft-reason') this.reason = fields[at + 1]!;
      else if (name.length === 18 && name === 'x-weft-unprocessed') this.unprocessed = true;
    }
  }
}

/** What trailers say of a gRPC call; undefined where they say nothing. */
export function grpcStatusIn(trailers: FieldList): number | undefined {
  for (let at = 0; at < trailers.length; at += 2)
    if (trailers[at] === 'grpc-status') return Number(trailers[at + 1]);
  return undefined;
}
