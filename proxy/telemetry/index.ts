/** Implements what the data path says to telemetry: counters that are scraped, and an access log. */
import type { Code } from '../../core/errors/index.ts';
import { AccessLog, isError, linePrefix, type AccessLogMode } from './accessLog.ts';
import { CounterFamily, type Counter } from './counters.ts';
import { gaugeFamily, labelText, type Family } from './exposition.ts';
import type { LineWriter } from './lineWriter.ts';
import { Pressure } from './load.ts';
import { Traffic } from './traffic.ts';
import type { Direction, Security, Series, SeriesKey, Telemetry, Verdict } from './types.ts';

export interface ProxyTelemetry extends Telemetry {
  setAccessLog(mode: AccessLogMode): void;
  /** Adds a family to what `expose` gives. */
  register(family: Family): void;
  /** All metrics in the Prometheus text format. */
  expose(): string;
}

export interface TelemetryOptions {
  accessLog: LineWriter;
  /** Series of traffic beside `other`. */
  seriesLimit?: number;
}

const DEFAULT_SERIES_LIMIT = 1000;

class Connections {
  readonly #cells = new Map<string, { labels: string; open: number; total: number }>();

  constructor() {
    for (const direction of ['inbound', 'outbound'] satisfies Direction[])
      for (const security of ['mtls', 'plain'] satisfies Security[])
        this.#cells.set(direction + security, {
          labels: labelText({ direction, security }),
          open: 0,
          total: 0,
        });
  }

  opened(direction: Direction, security: Security): void {
    const cell = this.#cells.get(direction + security)!;
    cell.open += 1;
    cell.total += 1;
  }

  closed(direction: Direction, security: Security): void {
    this.#cells.get(direction + security)!.open -= 1;
  }

  *read(of: 'open' | 'total'): Generator<readonly [string, number]> {
    for (const cell of this.#cells.values()) yield [cell.labels, cell[of]];
  }
}

/** Verdicts are objects made once per rule, so that most are found by themselves, without making a key. */
class Verdicts {
  readonly family: CounterFamily;
  readonly #known = new WeakMap<Verdict, Counter>();

  constructor(onOverflow: () => void) {
    this.family = new CounterFamily({
      name: 'weft_policy_verdicts_total',
      help: 'Verdicts of authorization, by the rule that decided; Audit counts rules that only report.',
      labels: ['action', 'policy', 'rule', 'shadow'],
      limit: 1000,
      onOverflow,
    });
  }

  count(verdict: Verdict): void {
    let counter = this.#known.get(verdict);
    if (!counter) {
      const { action, policy, rule, shadow = '' } = verdict;
      counter = this.family.get(action, policy, rule, shadow);
      if (!verdict.audited) this.#known.set(verdict, counter);
    }
    counter.value += 1;
    for (const audited of verdict.audited ?? []) {
      const slash = audited.lastIndexOf('/');
      this.family.get('Audit', audited.slice(0, slash), audited.slice(slash + 1), '').value += 1;
    }
  }
}

export function createTelemetry({
  accessLog,
  seriesLimit = DEFAULT_SERIES_LIMIT,
}: TelemetryOptions): ProxyTelemetry {
  let mode: AccessLogMode = 'All';
  const logs = { inbound: new AccessLog(accessLog), outbound: new AccessLog(accessLog) };
  let overflows = 0;
  const onOverflow = () => {
    overflows += 1;
  };
  const traffic = new Traffic({ limit: seriesLimit });
  const connections = new Connections();
  const verdicts = new Verdicts(onOverflow);
  const pressure = new Pressure();
  const handshakes = new CounterFamily({
    name: 'weft_tls_handshake_failures_total',
    help: 'TLS handshakes that failed.',
    labels: ['direction', 'reason'],
  });
  const retries = new CounterFamily({
    name: 'weft_retries_total',
    help: 'Requests that were sent again to another endpoint.',
    labels: ['service', 'reason'],
    onOverflow,
  });
  const families: Family[] = [
    traffic,
    gaugeFamily({
      name: 'weft_connections_open',
      help: 'Connections that are open now.',
      read: () => connections.read('open'),
    }),
    gaugeFamily({
      name: 'weft_connections_total',
      help: 'Connections that were accepted.',
      type: 'counter',
      read: () => connections.read('total'),
    }),
    verdicts.family,
    handshakes,
    retries,
    ...pressure.families,
    gaugeFamily({
      name: 'weft_metric_series_overflow_total',
      help: 'Look-ups of series that found no room and went to `other`.',
      type: 'counter',
      read: () => [['', overflows + traffic.overflows]],
    }),
    gaugeFamily({
      name: 'weft_access_log_dropped_total',
      help: 'Lines of the access log that a slow reader made us drop.',
      type: 'counter',
      read: () => [['', accessLog.dropped]],
    }),
  ];

  function series(key: SeriesKey): Series {
    const counted = traffic.get(key);
    const prefix = linePrefix(key);
    const lines = logs[key.direction];
    return {
      exchange(end, log) {
        counted.exchange(end);
        if (log === undefined) return;
        if (mode === 'All' || (mode === 'Errors' && isError(end, log))) lines.exchange(prefix, end, log);
      },
      connection(end, log) {
        counted.connection(end);
        if (mode === 'All' || (mode === 'Errors' && isError(end, log))) lines.connection(prefix, end, log);
      },
    };
  }

  return {
    load: pressure.load,
    series,
    verdict: (verdict) => verdicts.count(verdict),
    connectionOpened: (direction, security) => connections.opened(direction, security),
    connectionClosed: (direction, security) => connections.closed(direction, security),
    handshakeFailed: (direction: Direction, reason: Code) => {
      handshakes.get(direction, reason).value += 1;
    },
    retry: (service: string, reason: Code) => {
      retries.get(service, reason).value += 1;
    },
    http2Error: (direction, code, by) => pressure.http2Error(direction, code, by),
    boundReached: (bound) => pressure.boundReached(bound),
    setAccessLog: (next) => {
      mode = next;
    },
    register: (family) => void families.push(family),
    expose: () => families.map((family) => family.expose()).join(''),
  };
}
