/** One comparison of a scenario, as it is printed, drawn and recorded. */
import type { Pairing, Round } from './statistics.ts';

export interface Column {
  measure: string;
  header: string;
  digits: number;
}

/** A column that compares with one contender. */
export interface Comparison extends Pairing {
  header: string;
  reference: string;
}

export interface Case {
  scenario: string;
  /** Unique within the scenario; goals find the case by it. */
  key: string;
  title: string;
  columns: readonly Column[];
  comparisons: readonly Comparison[];
  /** Rounds by contender, in the order of the table. */
  results: ReadonlyMap<string, readonly Round[]>;
}

/** A line to be read with the table, such as why a peer is missing. */
export interface Note {
  note: string;
}

export const CPU_COLUMNS: readonly Column[] = [
  { measure: 'cpuUs', header: 'CPU µs/req', digits: 1 },
  { measure: 'perSecond', header: 'req/s', digits: 0 },
  { measure: 'p50Ms', header: 'p50 ms', digits: 2 },
  { measure: 'p99Ms', header: 'p99 ms', digits: 2 },
  { measure: 'rssAnonMiB', header: 'RssAnon MiB', digits: 1 },
];

export const SIDE_COLUMNS: readonly Column[] = [
  { measure: 'cpuUs', header: 'CPU µs/req', digits: 1 },
  { measure: 'clientCpuUs', header: 'client side', digits: 1 },
  { measure: 'serverCpuUs', header: 'server side', digits: 1 },
  ...CPU_COLUMNS.slice(1),
];

export const cpuAgainst = (...references: string[]): Comparison[] =>
  references.map((reference) => ({
    header: `CPU vs ${reference}`,
    reference,
    measure: 'cpuUs',
    by: 'ratio',
  }));
