/** Streams of bytes through a proxy, or without one. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pause } from '../peers/process.ts';

const END = join(import.meta.dirname, 'streamEnd.ts');
/** Until buffers and windows are full. */
const RAMP_MS = 400;

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

export interface Sink {
  /** All that it has taken so far. */
  bytes(): Promise<number>;
  stop(): Promise<void>;
}

export function startSink(port: number): Sink {
  const child = fork(END, ['sink', String(port)]);
  return {
    bytes: async () => {
      child.send('bytes');
      const [bytes] = (await once(child, 'message')) as [number];
      return bytes;
    },
    stop: () => end(child),
  };
}

export interface Streams {
  sink: Sink;
  port: number;
  streams: number;
  seconds: number;
  /** CPU time of what is measured so far, µs. */
  cpuUs: () => number;
}

export interface Flow {
  bytes: number;
  seconds: number;
  cpuUs: number;
}

/** What goes through in the middle of a transfer. */
export async function transfer({ sink, port, streams, seconds, cpuUs }: Streams): Promise<Flow> {
  const source = fork(END, ['source', String(port), String(streams)]);
  try {
    await once(source, 'spawn');
    await pause(RAMP_MS);
    const [cpuBefore, bytesBefore, begin] = [cpuUs(), await sink.bytes(), performance.now()];
    await pause(seconds * 1000);
    const [cpuAfter, bytesAfter, finish] = [cpuUs(), await sink.bytes(), performance.now()];
    return {
      bytes: bytesAfter - bytesBefore,
      seconds: (finish - begin) / 1000,
      cpuUs: cpuAfter - cpuBefore,
    };
  } finally {
    await end(source);
  }
}

/** Sends for some time, and measures nothing. */
export async function sourceFor(options: Pick<Streams, 'port' | 'streams' | 'seconds'>): Promise<void> {
  const { port, streams, seconds } = options;
  const source = fork(END, ['source', String(port), String(streams)]);
  await pause(seconds * 1000);
  await end(source);
}
