/** Node's inspector in a process that runs with `--inspect`, as far as a CPU profile needs it. */
import { get } from '../peers/weft.ts';
import type { CpuProfile } from '../report/cpuProfile.ts';

const SAMPLING_US = 400;

interface Answer {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

export interface Profiler {
  start(): Promise<void>;
  /** What ran since start. */
  stop(): Promise<CpuProfile>;
}

async function connected(port: number): Promise<WebSocket> {
  const { body } = await get(port, '/json/list');
  const [target] = JSON.parse(body) as { webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error(`nothing to inspect at port ${port}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`no inspector at port ${port}`)), { once: true });
  });
  return socket;
}

export async function profiler(port: number): Promise<Profiler> {
  const socket = await connected(port);
  const waiting = new Map<number, (answer: Answer) => void>();
  let id = 0;
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  const call = async (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    id += 1;
    const answer = await new Promise<Answer>((resolve) => {
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result ?? {};
  };
  await call('Profiler.enable');
  await call('Profiler.setSamplingInterval', { interval: SAMPLING_US });
  return {
    start: async () => void (await call('Profiler.start')),
    stop: async () => {
      const { profile } = await call('Profiler.stop');
      socket.close();
      return profile as CpuProfile;
    },
  };
}
