import type { WriteSome } from '../telemetry/lineWriter.ts';
import type { FromWorker, OutputFd } from './messages.ts';

type Tell = (message: FromWorker, transfer: readonly ArrayBuffer[]) => void;

/**
 * A worker's lines go through the main thread, which writes those of all workers one after the other: a pipe keeps writes
 * of several threads apart only up to 4 KiB.
 */
export class PortOutput {
  readonly #tell: Tell;
  /** A line writer has one write at a time. */
  readonly #waiting = new Map<OutputFd, { length: number; done: Parameters<WriteSome>[1] }>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  to(fd: OutputFd): WriteSome {
    return (chunk, done) => {
      this.#waiting.set(fd, { length: chunk.length, done });
      // a copy: the rest of its page is still being filled
      const bytes = new Uint8Array(chunk);
      this.#tell({ type: 'write', fd, bytes }, [bytes.buffer]);
    };
  }

  /** `failure` is the code of an error. */
  written(fd: OutputFd, failure: string | undefined): void {
    const { length, done } = this.#waiting.get(fd)!;
    if (failure === undefined) done(null, length);
    else done(Object.assign(new Error(failure), { code: failure }), 0);
  }
}
