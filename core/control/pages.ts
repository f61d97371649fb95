/** What the operator answers on its loopback pages, to whom may forward a port to it: `weft status`, `weft config`. */
import type { Report } from './schema.ts';

/**
 * Starting: the proxy has not started yet. Current: it runs what it should. Updating: what it should run is other than
 * what it runs since a moment only. Late: it is for longer, or nothing is heard of the proxy. Refused: it refused a newer
 * document and keeps its last good one.
 */
export type ProxyCondition = 'Starting' | 'Current' | 'Updating' | 'Late' | 'Refused';

export interface ProxyStatus {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly workload: { readonly kind: string; readonly name: string };
  readonly condition: ProxyCondition;
  /** In words, where the condition is not Current. */
  readonly reason?: string;
  readonly connected: boolean;
  /** It answered the last ping. */
  readonly responsive: boolean;
  /** RFC 3339: when it last said something; absent: never to this replica, or to one that told it. */
  readonly heardAt?: string;
  readonly proxyVersion?: string;
  readonly inForce?: NonNullable<Report['inForce']>;
  readonly refused?: NonNullable<Report['refused']>;
  readonly certificate?: NonNullable<Report['certificate']>;
  /** What it should run; absent where its workload has no document. */
  readonly wanted?: { readonly hash: string; readonly since: string };
}

/** `/proxies?namespace=NS&after=NS/POD&limit=N`: in the order of their names. */
export interface ProxiesPage {
  readonly leads: true;
  /** Pod of the replica that answers. */
  readonly replica: string;
  readonly at: string;
  readonly proxies: readonly ProxyStatus[];
  /** There are more: to be given as `after`. */
  readonly next?: string;
}

/** The same of a replica that does not lead: the leader hears of all proxies. */
export interface NotLeadingPage {
  readonly leads: false;
  readonly replica: string;
  /** Pod that leads, where it is known. */
  readonly leader?: string;
}

/** `/documents/<kind>/<namespace>/<name>`: what a workload's proxies should run, by its parts. */
export interface DocumentPage {
  readonly workload: string;
  readonly epoch: number;
  readonly revision: string;
  readonly hash: string;
  readonly resources: NonNullable<Report['inForce']>['resources'];
  /** Hashes by the names of the parts. */
  readonly parts: Readonly<Record<string, string>>;
  /** Hashes by `namespace/name`. */
  readonly services: Readonly<Record<string, string>>;
  readonly directory?: { readonly hash: string; readonly services: number };
}
