import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** What is asked for when a scrape comes. */
export interface Observed {
  readonly leading: () => boolean;
  readonly connections: () => number;
  readonly reports: () => { known: number; connected: number };
  /** By name of the queue. */
  readonly depths: () => Record<string, number>;
}

const prefix = 'weft_operator_';

/** All metrics of the operator, on a registry of their own so that tests can have several. */
export class OperatorMetrics {
  readonly registry = new Registry();

  readonly reports = new Counter({
    name: `${prefix}reports_total`,
    help: 'Reports of proxies by the code of the answer.',
    labelNames: ['code'],
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
