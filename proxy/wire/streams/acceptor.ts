/** The server's side of a stream that carries bytes: answered only when the application has taken the connection. */
import { codes, type Code } from '../../../core/errors/index.ts';
import { listOf } from './fields.ts';
import { statusText } from './heads.ts';
import { StreamChannel } from './streamChannel.ts';

export class StreamAcceptor extends StreamChannel {
  private answered = false;

  /** The application is there. */
  accept(): void {
    if (this.answered) return;
    this.answered = true;
    this.stream.respond([':status', '200'], false);
  }

  /** It is not, or must not be reached: why. The application saw nothing of it. */
  refuse(code: Code): void {
    if (this.answered) return;
    this.answered = true;
    const fields = {
      ':status': statusText(codes[code].status),
      'x-weft-reason': code,
      'x-weft-unprocessed': '1',
    };
    this.stream.respond(listOf(fields), true);
  }
}
