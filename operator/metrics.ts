import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** What is asked for when a scrape comes. */
export interface Observed {
  readonly leading: () => boolean;
  readonly connections: () => number;
  readonly reports: () => { known: number; connected: number; unresponsive: number };
  /** By name of the queue. */
  readonly depths: () => Record<string, number>;
}

const prefix = 'weft_operator_';

/** All metrics of the operator, on a registry of their own so that tests can have several. */
export class OperatorMetrics {
  readonly registry = new Registry();

  readonly streams = new Gauge({
    name: `${prefix}streams`,
    help: 'Open streams of proxies to this replica.',
    registers: [this.registry],
  });
  readonly streamMessages = new Counter({
    name: `${prefix}stream_messages_total`,
    help: 'Messages on the streams of proxies, by type and direction.',
    labelNames: ['type', 'direction'],
    registers: [this.registry],
  });
  readonly streamSentBytes = new Counter({
    name: `${prefix}stream_sent_bytes_total`,
    help: 'Bytes of the messages that were sent to proxies.',
    registers: [this.registry],
  });
  readonly streamErrors = new Counter({
    name: `${prefix}stream_errors_total`,
    help: 'Streams that were ended because of what came over them, by code.',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly refusals = new Counter({
    name: `${prefix}refusals_total`,
    help: 'Updates that proxies refused, by code.',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly asks = new Counter({
    name: `${prefix}asks_total`,
    help: 'Services that proxies asked for, by outcome.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly propagationSeconds = new Histogram({
    name: `${prefix}propagation_seconds`,
    help: 'Time from a change to the acknowledgement of a connected proxy.',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 1, 5, 30],
    registers: [this.registry],
  });
  readonly refusedConnections = new Counter({
    name: `${prefix}refused_connections_total`,
    help: 'Connections of proxies that were turned away or ended, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly writes = new Counter({
    name: `${prefix}writes_total`,
    help: 'Objects written, by kind: Config, Directory, MeshPolicy, MeshConfig, Refresh.',
    labelNames: ['kind'],
    registers: [this.registry],
  });
  readonly failures = new Counter({
    name: `${prefix}failures_total`,
    help: 'Failed attempts that are tried again, by queue.',
    labelNames: ['queue'],
    registers: [this.registry],
  });
  readonly incidents = new Counter({
    name: `${prefix}incidents_total`,
    help: 'What people should look at, by the reason of the Event.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly compileSeconds = new Histogram({
    name: `${prefix}compile_seconds`,
    help: 'Time from a snapshot to all documents.',
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [this.registry],
  });
  readonly documents = new Gauge({
    name: `${prefix}documents`,
    help: 'Documents that are wanted.',
    registers: [this.registry],
  });

  constructor(observed: Observed) {
    collectDefaultMetrics({ register: this.registry });
    const gauge = (name: string, help: string, read: () => number): void => {
      const metric: Gauge = new Gauge({
        name: prefix + name,
        help,
        registers: [this.registry],
        collect: () => metric.set(read()),
      });
    };
    gauge('leader', '1 where this replica holds the lease.', () => Number(observed.leading()));
    gauge('connections', 'Open connections of proxies.', observed.connections);
    gauge('proxies_known', 'Proxies that have reported.', () => observed.reports().known);
    gauge('proxies_connected', 'Proxies whose connection is open.', () => observed.reports().connected);
    gauge(
      'proxies_unresponsive',
      'Proxies with a stream that do not answer.',
      () => observed.reports().unresponsive,
    );
    const depth: Gauge<'queue'> = new Gauge({
      name: `${prefix}queue_depth`,
      help: 'Keys that are due, by queue.',
      labelNames: ['queue'],
      registers: [this.registry],
      collect: () => {
        for (const [queue, size] of Object.entries(observed.depths())) depth.set({ queue }, size);
      },
    });
  }
}
