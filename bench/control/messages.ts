/** Between the process that changes the mesh and those that play its proxies. */
import type { Files } from '../../proxy/config/mount.ts';

export interface ProxyPlace {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Name of its Deployment and of its ServiceAccount. */
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Services of other namespaces that its application will call. */
  readonly calls: readonly string[];
}

/** An endpoint that is about to be ready, or no longer. */
export interface Expectation {
  readonly id: number;
  /** `namespace/name`. */
  readonly service: string;
  readonly address: string;
  readonly ready: boolean;
}

export type ToProxies =
  | {
      readonly type: 'start';
      readonly control: { host: string; port: number };
      readonly proxies: readonly ProxyPlace[];
      /** Certificate files, by `namespace/service account`. */
      readonly identities: Readonly<Record<string, Files>>;
    }
  /** The applications call what they call. */
  | { readonly type: 'call' }
  /** Answered by `expecting`; then by `observed`, when all have it or `forget` comes. */
  | ({ readonly type: 'expect' } & Expectation)
  | { readonly type: 'forget'; readonly id: number };

export interface Counts {
  readonly connected: number;
  /** Have a document in force, and the certificate to be connected. */
  readonly inForce: number;
  /** Of all documents in force: services of other namespaces. */
  readonly used: number;
  readonly refused: number;
}

export type FromProxies =
  | { readonly type: 'expecting'; readonly id: number; readonly proxies: number }
  /** When it was in force in each, in ms since 1970. */
  | {
      readonly type: 'observed';
      readonly id: number;
      readonly expected: number;
      readonly at: readonly number[];
    }
  /** Every second, and after a change. `lagMs`: how late this process's own timers were. */
  | ({
      readonly type: 'counts';
      readonly lagMs: number;
      readonly rssMb: number;
    } & Counts);

/** With fractions, and the same in all processes of a machine; never moves while NTP slews the clock. */
export const wallClock = (): number => performance.timeOrigin + performance.now();
