import { monitorEventLoopDelay } from 'node:perf_hooks';
import { WEFT_VERSION } from '../../core/proxyConfig/version.ts';
import { gaugeFamily, labelText, type Family } from './exposition.ts';

/** Milliseconds between looks at the event loop: rare enough that an idle sidecar stays idle. */
const LAG_RESOLUTION_MS = 50;

/** Metrics of the process as a whole. */
export const processFamilies = (): Family[] => [
  gaugeFamily({
    name: 'weft_process_resident_memory_bytes',
    help: 'Resident memory.',
    read: () => [['', process.memoryUsage.rss()]],
  }),
  gaugeFamily({
    name: 'weft_process_cpu_seconds_total',
    help: 'CPU time, user and system.',
    type: 'counter',
    read: () => {
      const { user, system } = process.cpuUsage();
      return [
        [labelText({ mode: 'user' }), user / 1e6],
        [labelText({ mode: 'system' }), system / 1e6],
      ];
    },
  }),
  gaugeFamily({
    name: 'weft_process_start_time_seconds',
    help: 'When the process started, in Unix time.',
    read: () => [['', Math.round(Date.now() / 1000 - process.uptime())]],
  }),
  gaugeFamily({
    name: 'weft_build_info',
    help: 'Version of this proxy; always 1.',
    read: () => [[labelText({ version: WEFT_VERSION, node: process.version }), 1]],
  }),
];

/** Metrics of this thread. Those of several are added up, but delays do not add up: a worker says which it is. */
export function threadFamilies(worker?: number): Family[] {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  // the timer of the monitor itself counts as delay
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - LAG_RESOLUTION_MS / 1000);
  const quantile = (quantile: string) =>
    labelText({ quantile, ...(worker !== undefined && { worker: String(worker) }) });
  return [
    gaugeFamily({
      name: 'weft_process_heap_used_bytes',
      help: 'Memory of the JavaScript heap in use.',
      read: () => [['', process.memoryUsage().heapUsed]],
    }),
    gaugeFamily({
      name: 'weft_process_event_loop_lag_seconds',
      help: 'Delay of the event loop since the last scrape.',
      read: () => {
        const found = [
          [quantile('0.5'), seconds(lag.percentile(50))],
          [quantile('0.99'), seconds(lag.percentile(99))],
          [quantile('1'), seconds(lag.max)],
        ] as const;
        lag.reset();
        return found;
      },
    }),
  ];
}
