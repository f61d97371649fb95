import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from '@prometheus-io/client';

/** What the webhook counts. Labels have few values: reasons and codes come from fixed lists. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    injections: new Counter({
      name: 'weft_webhook_injections_total',
      help: 'Pods that were asked about, by outcome (injected, skipped, refused, ignored) and its reason.',
      labelNames: ['outcome', 'reason', 'dry_run'],
      registers,
    }),
    validations: new Counter({
      name: 'weft_webhook_validations_total',
      help: 'Mesh resources that were asked about, by outcome (allowed, refused, ignored) and code of the first problem.',
      labelNames: ['kind', 'outcome', 'reason', 'dry_run'],
      registers,
    }),
    failures: new Counter({
      name: 'weft_webhook_failures_total',
      help: 'Requests that got no verdict, by path and code: the failurePolicy decided.',
      labelNames: ['path', 'code'],
      registers,
    }),
    duration: new Histogram({
      name: 'weft_webhook_request_duration_seconds',
      help: 'Time to answer a review.',
      labelNames: ['path'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    certificateNotAfter: new Gauge({
      name: 'weft_webhook_certificate_not_after_seconds',
      help: 'When the serving certificate expires, in seconds since 1970.',
      registers,
    }),
    certificateLoads: new Counter({
      name: 'weft_webhook_certificate_loads_total',
      help: 'Serving certificates read, by result (loaded, refused).',
      labelNames: ['result'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
