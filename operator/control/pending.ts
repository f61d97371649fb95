/** What the leader is yet to be told: of each proxy and workload that it is due, never a queue of what happened. */
import { MAX_PROXY_MESSAGE_BYTES, type ForwardMessage, type Report } from '../../core/control/index.ts';
import type { ReportRegistry } from './reports.ts';

/** Longest line to the leader: what a proxy said, in its longest notation. */
export const MAX_FORWARD_MESSAGE_BYTES = 4 * MAX_PROXY_MESSAGE_BYTES;

export interface PendingOptions {
  readonly reports: ReportRegistry;
  readonly used: (workload: string) => ReadonlySet<string>;
  /** The leader would not take it, and is not told. */
  readonly onTooLong: (message: ForwardMessage) => void;
}

export class Pending {
  readonly #options: PendingOptions;
  readonly #proxies = new Set<string>();
  readonly #workloads = new Set<string>();
  /** By pod uid: the report that the leader has. */
  readonly #told = new Map<string, Report>();

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  proxy(uid: string): void {
    this.#proxies.add(uid);
  }

  workload(workload: string): void {
    this.#workloads.add(workload);
  }

  /** The leader is another one, or has lost its memory. */
  all(uids: Iterable<string>, workloads: Iterable<string>): void {
    this.#told.clear();
    for (const uid of uids) this.#proxies.add(uid);
    for (const workload of workloads) this.#workloads.add(workload);
  }

  /** Lines of about so many bytes, which are not due any more. */
  take(bytes: number): string {
    let text = '';
    for (const message of this.#messages()) {
      const line = `${JSON.stringify(message)}\n`;
      if (Buffer.byteLength(line) > MAX_FORWARD_MESSAGE_BYTES) this.#options.onTooLong(message);
      else text += line;
      if (text.length >= bytes) break;
    }
    return text;
  }

  *#messages(): Generator<ForwardMessage, void> {
    for (const workload of this.#workloads) {
      this.#workloads.delete(workload);
      const services = [...this.#options.used(workload)];
      if (services.length > 0) yield { type: 'used', workload, services };
    }
    for (const uid of this.#proxies) {
      this.#proxies.delete(uid);
      const message = this.#about(uid);
      if (message) yield message;
    }
  }

  #about(uid: string): ForwardMessage | undefined {
    const { report, connected, responsive } = this.#options.reports.get(uid) ?? {};
    const told = this.#told.get(uid);
    if (!report || !connected || responsive === undefined) {
      this.#told.delete(uid);
      return told && { type: 'gone', uid };
    }
    this.#told.set(uid, report);
    const { inForce } = report;
    if (!told || !inForce || !saysTheSame(told, report)) return { type: 'report', report, responsive };
    const { resources: _resources, ...position } = inForce;
    return { type: 'position', uid, ...position, responsive };
  }
}

/** But for which document is in force. The registry keeps the values of what did not change. */
const saysTheSame = (a: Report, b: Report): boolean =>
  a.inForce?.resources === b.inForce?.resources &&
  a.refused === b.refused &&
  a.certificate === b.certificate &&
  a.proxyVersion === b.proxyVersion;
