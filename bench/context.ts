/** What a run is given, and what all its scenarios share. */
import type { Identities } from './certificates.ts';
import type { LogTarget } from './peers/haproxy.ts';

export interface Bundle {
  /** Of the contender: `Weft`, or `Weft (file)` for a further bundle. */
  name: string;
  file: string;
  /** Of Node; they win over those that injection sets. */
  nodeArguments: string[];
}

export interface Options {
  rounds: number;
  seconds: number;
  /** Only cases whose key holds this text are run; empty: all. */
  caseText: string;
  /** All of every matrix. */
  full: boolean;
  /** Where HAProxy writes its lines. */
  log: LogTarget;
  /** The first is the one that goals are about. */
  bundles: Bundle[];
}

export interface BenchContext {
  /** Of this run alone, removed at its end. */
  dir: string;
  identities: Identities;
  options: Options;
  /** What went wrong, one line each; any makes the run fail. */
  problems: string[];
}

export const wanted = ({ options }: BenchContext, key: string): boolean => key.includes(options.caseText);
