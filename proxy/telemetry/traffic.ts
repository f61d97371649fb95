/** Metrics of requests and connections by series: who called whom, over what, with which outcome. */
import type { Code } from '../../core/errors/index.ts';
import { header, labelText, sample, type Family } from './exposition.ts';
import type { ConnectionEnd, ExchangeEnd, SeriesKey } from './types.ts';

/** Upper bounds in milliseconds; exposed in seconds. */
const BUCKETS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];
const BUCKET_LABELS = [...BUCKETS_MS.map((ms) => String(ms / 1000)), '+Inf'];
/** Outcomes of one series: a server that invents status codes must not make metrics grow. */
const MAX_OUTCOMES = 64;

/** Codes of gRPC (grpc/grpc, doc/statuscodes.md); a server that invents others must not make metrics grow. */
const grpcLabel = (status: number | undefined): string => {
  if (status === undefined) return '';
  return Number.isInteger(status) && status >= 0 && status <= 16 ? String(status) : 'other';
};

/** Counts per (status, flag, gRPC status), with the last one at hand, since most requests end like the one before. */
class Outcomes {
  readonly counts = new Map<string, { value: number; labels: string }>();
  #lastStatus = -1;
  #lastFlag: Code | undefined;
  #lastGrpc: number | undefined;
  #last: { value: number } = { value: 0 };

  add(status: number, flag: Code | undefined, grpc?: number): void {
    if (status !== this.#lastStatus || flag !== this.#lastFlag || grpc !== this.#lastGrpc) {
      this.#last = this.#find(status, flag, grpc);
      this.#lastStatus = status;
      this.#lastFlag = flag;
      this.#lastGrpc = grpc;
    }
    this.#last.value += 1;
  }

  #find(status: number, flag: Code | undefined, grpc: number | undefined): { value: number } {
    const full = this.counts.size >= MAX_OUTCOMES;
    const grpcStatus = grpcLabel(grpc);
    const key = `${status} ${flag ?? ''} ${grpcStatus}`;
    const known = this.counts.get(key) ?? (full ? this.counts.get('other') : undefined);
    if (known) return known;
    // a TCP connection has a flag alone
    const of: Record<string, string> =
      status === 0
        ? { response_flag: flag ?? '' }
        : { status: String(status), response_flag: flag ?? '', grpc_status: grpcStatus };
    const labels = full ? Object.fromEntries(Object.keys(of).map((label) => [label, 'other'])) : of;
    const made = { value: 0, labels: labelText(labels) };
    this.counts.set(full ? 'other' : key, made);
    return made;
  }
}

/** Everything that is counted for one series. */
export class TrafficSeries {
  readonly labels: string;
  readonly requests = new Outcomes();
  readonly connections = new Outcomes();
  readonly buckets = new Float64Array(BUCKETS_MS.length + 1);
  durationMs = 0;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(labels: string) {
    this.labels = labels;
  }

  exchange(end: ExchangeEnd): void {
    this.requests.add(end.status, end.flag, end.grpcStatus);
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && end.durationMs > BUCKETS_MS[bucket]!) bucket += 1;
    this.buckets[bucket]! += 1;
    this.durationMs += end.durationMs;
    this.sentBytes += end.requestBytes;
    this.receivedBytes += end.responseBytes;
  }

  connection(end: ConnectionEnd): void {
    this.connections.add(0, end.flag);
    this.sentBytes += end.sentBytes;
    this.receivedBytes += end.receivedBytes;
  }
}

const LABELS = ['direction', 'source', 'destination', 'service', 'protocol', 'security'] as const;

export interface TrafficOptions {
  /** Series beside `other`. */
  limit: number;
}

export class Traffic implements Family {
  readonly #series = new Map<string, TrafficSeries>();
  readonly #limit: number;
  /** Look-ups that found no room. */
  overflows = 0;
  #other: TrafficSeries | undefined;

  constructor({ limit }: TrafficOptions) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#series.size;
  }

  get(key: SeriesKey): TrafficSeries {
    const labels = labelText(Object.fromEntries(LABELS.map((label) => [label, key[label]])));
    let series = this.#series.get(labels);
    if (series) return series;
    if (this.#series.size >= this.#limit) {
      this.overflows += 1;
      return (this.#other ??= new TrafficSeries(
        labelText(Object.fromEntries(LABELS.map((label) => [label, 'other']))),
      ));
    }
    series = new TrafficSeries(labels);
    this.#series.set(labels, series);
    return series;
  }

  expose(): string {
    const all = [...this.#series.values(), ...(this.#other ? [this.#other] : [])];
    return requests(all) + durations(all) + tcpConnections(all) + bytes(all);
  }
}

function outcomes(name: string, all: readonly TrafficSeries[], of: 'requests' | 'connections'): string {
  let text = '';
  for (const series of all)
    for (const { labels, value } of series[of].counts.values())
      text += sample(name, `${series.labels},${labels}`, value);
  return text;
}

const requests = (all: readonly TrafficSeries[]): string =>
  header('weft_requests_total', 'counter', 'HTTP exchanges by their outcome.') +
  outcomes('weft_requests_total', all, 'requests');

const tcpConnections = (all: readonly TrafficSeries[]): string =>
  header('weft_tcp_connections_total', 'counter', 'Finished TCP connections by their outcome.') +
  outcomes('weft_tcp_connections_total', all, 'connections');

function durations(all: readonly TrafficSeries[]): string {
  const name = 'weft_request_duration_seconds';
  let text = header(name, 'histogram', 'Time from the first byte of a request to the last of its response.');
  for (const { labels, buckets, durationMs } of all) {
    let sum = 0;
    let lines = '';
    for (const [i, le] of BUCKET_LABELS.entries()) {
      sum += buckets[i]!;
      lines += sample(`${name}_bucket`, `${labels},le="${le}"`, sum);
    }
    if (sum === 0) continue;
    text += lines + sample(`${name}_sum`, labels, durationMs / 1000) + sample(`${name}_count`, labels, sum);
  }
  return text;
}

function bytes(all: readonly TrafficSeries[]): string {
  const name = 'weft_bytes_total';
  let text = header(name, 'counter', 'Bytes from the side that connected (sent) and back to it (received).');
  for (const { labels, sentBytes, receivedBytes } of all) {
    text += sample(name, `${labels},flow="sent"`, sentBytes);
    text += sample(name, `${labels},flow="received"`, receivedBytes);
  }
  return text;
}
