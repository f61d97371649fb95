/** The built operator as a process of this machine, as its container runs it, and what it costs. */
import { accepts, pause, start, type Started } from '../peers/process.ts';
import { get } from '../peers/weft.ts';

export const CONTROL_PORT = 15_010;
const HEALTH_PORT = 8080;
/** As the chart has it: 75 % of its limit, which a process outside a container cannot be told as a share. */
const MEMORY = { NODE_OPTIONS: '--max-old-space-size=384 --max-semi-space-size=8', MALLOC_ARENA_MAX: '2' };
const READY_MS = 120_000;
const SAMPLE_MS = 500;
const METRICS_ATTEMPTS = 10;

export interface OperatorOptions {
  bundle: string;
  nodeArguments: string[];
  /** Variables that tell it the way to the API server. */
  access: Record<string, string>;
  /** File of its log. */
  log: string;
}

export interface Cost {
  seconds: number;
  /** Share of one core, on average. */
  cores: number;
  /** Resident memory, MB: highest and mean of what was seen. */
  rssMaxMb: number;
  rssMeanMb: number;
}

export interface OperatorProcess extends Started {
  /** `/metrics` as text. */
  metrics(): Promise<string>;
  /** What it costs from now until the function that this gives is called. */
  measure(): () => Cost;
}

const isReady = (): Promise<boolean> =>
  get(HEALTH_PORT, '/healthz/ready').then(
    ({ status }) => status === 200,
    () => false,
  );

/** Starts it and waits until it takes proxies. */
export async function startOperator(options: OperatorOptions): Promise<OperatorProcess> {
  for (const port of [CONTROL_PORT, HEALTH_PORT])
    if (await accepts(port)) throw new Error(`port ${port} is in use, and the operator needs it`);
  const started = await start({
    command: process.execPath,
    args: [...options.nodeArguments, options.bundle],
    env: {
      NODE_ENV: 'production',
      ...MEMORY,
      ...options.access,
      WEFT_POD_NAME: 'bench-operator',
      WEFT_POD_IP: '127.0.0.1',
      WEFT_LOG_LEVEL: 'info',
    },
    port: HEALTH_PORT,
    ready: isReady,
    readyWithinMs: READY_MS,
    output: options.log,
  });
  return {
    ...started,
    metrics,
    measure: () => measure(started),
  };
}

/** An operator that is busy may end a connection that it did not come to look at. */
async function metrics(): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await get(HEALTH_PORT, '/metrics')).body;
    } catch (error) {
      if (attempt === METRICS_ATTEMPTS) throw error;
      await pause(500);
    }
  }
}

function measure(started: Started): () => Cost {
  const begun = performance.now();
  const cpuBefore = started.cpuUs();
  const seen: number[] = [];
  const look = () => seen.push(started.memory().rss / 1024);
  look();
  const timer = setInterval(look, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    look();
    const seconds = (performance.now() - begun) / 1000;
    return {
      seconds,
      cores: (started.cpuUs() - cpuBefore) / 1e6 / seconds,
      rssMaxMb: Math.max(...seen),
      rssMeanMb: seen.reduce((sum, each) => sum + each, 0) / seen.length,
    };
  };
}
