/**
 * A connection to a port on the loopback of a pod, through the API server, as `kubectl port-forward` makes it. Whoever
 * asks needs `create` on `pods/portforward` of the namespace: that is what guards the pages behind it.
 */
import { Duplex, PassThrough, Writable } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { WeftError } from '../core/errors/index.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

const MAX_SAID = 1024;

const failed = ({ namespace, pod, port }: PodPort, message: string, cause?: unknown): WeftError =>
  new WeftError('PORT_FORWARD_FAILED', message, {
    resource: `Pod ${namespace}/${pod}`,
    field: `port ${port}`,
    ...(cause === undefined ? {} : { cause }),
  });

/** What `ws` says of an answer other than 101 is all that there is of it. */
function refused(target: PodPort, cause: unknown): WeftError {
  const message = String((cause as { message?: unknown } | null)?.message ?? cause);
  const [, status] = /Unexpected server response: (\d{3})/.exec(message) ?? [];
  if (status !== '401' && status !== '403') return failed(target, message, cause);
  return new WeftError('KUBERNETES_REFUSED', `port-forward was answered with ${status}`, {
    resource: `Pod ${target.namespace}/${target.pod}`,
    remedy: `you need the permission to create pods/portforward in namespace ${target.namespace}`,
    cause,
  });
}

/** The far end is fed and read by client-node, as streams of its own. */
class PodConnection extends Duplex {
  readonly toPod = new PassThrough();
  readonly fromPod: Writable;

  constructor() {
    super();
    this.fromPod = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.push(chunk);
        done();
      },
    });
  }

  override _read(): void {
    // what comes is pushed: there is no way to tell the pod to wait
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.toPod.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.toPod.end(done);
  }

  ended(): void {
    if (!this.destroyed) this.push(null);
  }
}

/** Rejects with WeftError KUBERNETES_REFUSED or PORT_FORWARD_FAILED; the stream fails with the latter. */
export async function dialPod(config: KubeConfig, target: PodPort): Promise<Duplex> {
  const { PortForward } = await import('@kubernetes/client-node');
  const connection = new PodConnection();
  const { fromPod, toPod } = connection;
  // it may fail before whoever asked listens: then the stream is one that failed
  connection.on('error', () => undefined);
  // kubelet says here why the port could not be reached
  const said = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const text = chunk.toString('utf8').slice(0, MAX_SAID).trim();
      if (text !== '') connection.destroy(failed(target, text));
      done();
    },
  });
  try {
    const { namespace, pod, port } = target;
    const socket = await new PortForward(config).portForward(namespace, pod, [port], fromPod, said, toPod);
    // without retries it is a socket, never a function
    if (typeof socket === 'function') throw new Error('no socket');
    socket.addEventListener('close', () => connection.ended());
    connection.once('close', () => socket.close());
    return connection;
  } catch (cause) {
    throw refused(target, cause);
  }
}
