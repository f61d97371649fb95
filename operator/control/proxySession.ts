/**
 * What one proxy says and is told, without I/O: lines in, lines out.
 *
 *   line ─► parse ─► state ──► admit ─► registry
 *                    ack, refusal ────► registry      each followed by what is due (delivery.ts)
 *                    ask ─────► use ──► absent
 *
 * Whatever breaks the rules throws a WeftError, which ends the stream.
 */
import {
  parseProxyMessage,
  type AckMessage,
  type AskMessage,
  type RefusalMessage,
  type Report,
  type StateMessage,
} from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import { workloadKey, type Snapshot } from '../../core/model/index.ts';
import { TokenBucket, type Clock } from '../../kube/index.ts';
import { admitReport, type PeerIdentity } from './admit.ts';
import { AskBudget, Asks } from './asks.ts';
import { absentLine } from './compose.ts';
import { Delivery } from './delivery.ts';
import type { StreamEvents } from './events.ts';
import type { ReportRegistry } from './reports.ts';
import { boundedResources, type Resources } from './resources.ts';
import type { Listener, Streams } from './streams.ts';
import type { ConfigSource } from './types.ts';

/** What all sessions of a replica share. */
export interface SessionContext {
  readonly reports: ReportRegistry;
  readonly source: ConfigSource;
  readonly streams: Streams;
  /** Undefined until the first one is complete. */
  readonly snapshot: () => Snapshot | undefined;
  readonly clock: Clock;
  readonly events: StreamEvents;
  /** A workload uses services of other namespaces: the leader is to know. */
  readonly onUsed: (workload: string) => void;
}

export interface Writer {
  /** Ends the stream. */
  fail(error: unknown): void;
  write(type: 'update' | 'directory' | 'absent', line: Buffer, flushed?: () => void): void;
}

interface Admitted {
  /** Of the pod. */
  readonly uid: string;
  readonly delivery: Delivery;
  readonly asks: Asks;
  readonly leave: () => void;
}

/** What one connection may cost, in whatever streams: a new stream begins with what the last one left. */
export class Budget {
  readonly asks: AskBudget;
  readonly states: TokenBucket;
  readonly streams: TokenBucket;

  constructor(clock: Clock) {
    this.asks = new AskBudget(clock);
    this.states = new TokenBucket(STATE_RATE, clock);
    this.streams = new TokenBucket(STREAM_RATE, clock);
  }
}

/** Proxies open one, and another when it was lost. */
const STREAM_RATE = { burst: 20, perSecond: 1 };
/** States are long, and what causes them is rare: files and certificates that changed. */
const STATE_RATE = { burst: 20, perSecond: 1 };

export class ProxySession implements Listener {
  readonly #context: SessionContext;
  readonly #peer: PeerIdentity;
  readonly #writer: Writer;
  readonly #budget: Budget;
  #admitted: Admitted | undefined;
  /** Named before there was a document to hold them. */
  #used: readonly string[] = [];
  /** As its answers to pings say: what it sent may have been under way for long. */
  #isResponsive = true;
  /** Answer to an update that is not known to be written. */
  #early: AckMessage | RefusalMessage | undefined;
  workload = '';
  namespace = '';

  constructor(context: SessionContext, options: { peer: PeerIdentity; budget: Budget; writer: Writer }) {
    const { peer, budget, writer } = options;
    this.#context = context;
    this.#peer = peer;
    this.#writer = writer;
    this.#budget = budget;
  }

  get isAdmitted(): boolean {
    return this.#admitted !== undefined;
  }

  /** Throws WeftError where the stream must end. */
  take(line: string): void {
    const message = parseProxyMessage(line);
    this.#context.events.received(message.type);
    if (message.type === 'state') this.#state(message);
    else if (message.type === 'ask') this.#ask(message);
    else this.#answered(message);
  }

  changed(at: number): void {
    this.#guard(() => {
      this.#useWhatWaits();
      this.#admitted?.delivery.changed(at);
    });
  }

  /** To be called now and then. */
  look(): void {
    this.#guard(() => this.#admitted?.delivery.look());
  }

  fail(error: unknown): void {
    this.#writer.fail(error);
  }

  responsive(responsive: boolean): void {
    this.#isResponsive = responsive;
    this.#guard(() => {
      if (this.#admitted) this.#context.reports.responsive(this.#admitted.uid, this, responsive);
    });
  }

  /** The stream has ended. */
  end(): void {
    this.#admitted?.delivery.stop();
    this.#admitted?.leave();
    this.#context.events.open(this.#context.streams.size);
    this.#context.reports.disconnected(this);
    this.#admitted = undefined;
  }

  #state(message: StateMessage): void {
    const { snapshot, reports } = this.#context;
    if (!this.#budget.states.tryTake()) throw invalid('too many in a short time', 'state');
    const current = snapshot();
    if (!current) throw new WeftError('NOT_CONFIGURED', 'this replica has not seen the whole mesh yet');
    const { report } = message;
    admitReport(report, this.#peer, current);
    this.#admitted ??= this.#admit(report);
    const { uid, delivery } = this.#admitted;
    if (report.pod.uid !== uid || workloadOf(report) !== this.workload) {
      throw new WeftError('REPORT_REFUSED', 'a stream is for one pod', {
        resource: 'report',
        field: 'pod.uid',
      });
    }
    reports.accept(this.#shared(report), this, this.#isResponsive);
    this.#used = message.used;
    this.#useWhatWaits();
    delivery.state(message);
  }

  #admit(report: Report): Admitted {
    const { source, streams, events } = this.#context;
    this.namespace = report.pod.namespace;
    this.workload = workloadOf(report);
    const delivery = new Delivery({
      workload: this.workload,
      namespace: this.namespace,
      source,
      lines: streams.lines,
      clock: this.#guardedClock(),
      outlet: {
        update: (line) => this.#writer.write('update', line, () => this.#guard(() => this.#updateFlushed())),
        directory: (line) =>
          this.#writer.write('directory', line, () => this.#guard(() => delivery.directoryFlushed())),
      },
    });
    const asks = new Asks({ workload: this.workload, source, budget: this.#budget.asks });
    const leave = streams.add(this);
    events.open(streams.size);
    return { uid: report.pod.uid, delivery, asks, leave };
  }

  /** The same, with what is in force told by the document itself, which is there once for all. */
  #shared(report: Report): Report {
    const document = this.#context.source.document(this.workload);
    if (!report.inForce || report.inForce.hash !== document?.hash) return report;
    return { ...report, inForce: { ...report.inForce, resources: boundedResources(document.resources) } };
  }

  #updateFlushed(): void {
    const early = this.#early;
    this.#early = undefined;
    this.#admitted?.delivery.updateFlushed();
    if (early) this.#answered(early);
  }

  #answered(message: AckMessage | RefusalMessage): void {
    const { uid, delivery } = this.#expectAdmitted(message.type);
    // the answer may be read before the write is known to be done; a peer that has not read it can only invent one
    if (delivery.isWriting) {
      if (this.#early) throw invalid('an answer waits already', message.type);
      this.#early = message;
      return;
    }
    const { reports, events } = this.#context;
    if (message.type === 'ack') {
      const { document, tookMs } = delivery.acknowledged(message);
      const { epoch, revision, hash, since } = message;
      const resources = sameResources(
        reports.get(uid)?.report.inForce?.resources,
        boundedResources(document.resources),
      );
      reports.answered(uid, this, { inForce: { epoch, revision, hash, since, resources } });
      if (tookMs !== undefined) events.propagated(tookMs / 1000);
    } else {
      delivery.refused(message);
      const { code, field, message: text, since } = message;
      const { inForce } = reports.get(uid)?.report ?? {};
      const refused = { code, message: text, since, ...(field === undefined ? {} : { field }) };
      reports.answered(uid, this, { refused, ...(inForce ? { inForce } : {}) });
      events.refused(code);
    }
    delivery.look();
  }

  #ask({ services }: AskMessage): void {
    const { asks, delivery } = this.#expectAdmitted('ask');
    const { events, onUsed } = this.#context;
    const answers = asks.ask(services);
    if (!answers) {
      events.asked('NOT_CONFIGURED', services.length);
      return;
    }
    const absent: Record<string, string> = {};
    for (const [service, outcome] of answers) {
      events.asked(outcome, 1);
      if (outcome !== 'Available') absent[service] = outcome;
    }
    const refused = Object.keys(absent).length;
    if (refused < answers.size) onUsed(this.workload);
    if (refused > 0) this.#writer.write('absent', absentLine(absent));
    // a connection of the application waits for it
    delivery.look(true);
  }

  #useWhatWaits(): void {
    const { source, onUsed } = this.#context;
    if (this.#used.length === 0 || !source.document(this.workload)) return;
    const used = this.#used;
    this.#used = [];
    source.use(this.workload, used);
    onUsed(this.workload);
  }

  /** For what nobody called who would take an exception: it ends this stream, and no other. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(error);
    }
  }

  #guardedClock(): Clock {
    const { clock } = this.#context;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, callback) => clock.after(ms, () => this.#guard(callback)),
    };
  }

  #expectAdmitted(type: string): Admitted {
    if (!this.#admitted) throw invalid('the first message is `state`', type);
    return this.#admitted;
  }
}

const workloadOf = ({ pod, workload }: Report): string =>
  workloadKey({ namespace: pod.namespace, ...workload });

const invalid = (message: string, resource: string): WeftError =>
  new WeftError('MESSAGE_INVALID', message, { resource });

/** The one that was known where both say the same, so that whoever compares them has little to do. */
function sameResources(known: Resources | undefined, now: Resources): Resources {
  if (!known || known === now) return now;
  const keys = Object.keys(now);
  const equal =
    keys.length === Object.keys(known).length &&
    keys.every((key) => known[key]?.uid === now[key]!.uid && known[key].generation === now[key]!.generation);
  return equal ? known : now;
}
