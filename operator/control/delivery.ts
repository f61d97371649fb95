/**
 * What one proxy is sent, and when: a state machine without I/O. One update is outstanding at a time; a proxy that is
 * slow gets what is newest when it has answered, never a queue.
 *
 *   state ─► known ── changed ─► outstanding ── ack ─► known
 *     ▲                              └── refusal ─► known; the same document again after a while
 *     └── after a hash mismatch the proxy says anew what it has
 */
import type { CompiledDirectory, CompiledDocument } from '../../core/compile/index.ts';
import type { AckMessage, RefusalMessage, StateMessage } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import { compareRevision } from '../../core/proxyConfig/index.ts';
import type { Clock } from '../../kube/index.ts';
import { baseOf, isEmpty } from './compose.ts';
import type { KnownBase, Lines } from './lines.ts';
import type { ConfigSource, Position } from './types.ts';

/** After an update, changes are gathered for this long, ms. */
export const GATHER_MS = 50;
/**
 * The same for directories: they are for all proxies of a namespace, and mostly of the mesh. Not for what is new in them:
 * until a proxy knows of it, it takes it for something outside of the mesh.
 */
export const GATHER_DIRECTORY_MS = 1_000;
/** What a proxy refused or could not use is not sent again before, ms. */
export const RETRY_MS = 30_000;

export interface Outlet {
  /** `updateFlushed` is to be called when the connection has taken it. */
  update(line: Buffer): void;
  /** `directoryFlushed` is to be called when the connection has taken it. */
  directory(line: Buffer): void;
}

export interface DeliveryOptions {
  /** workloadKey. */
  readonly workload: string;
  readonly namespace: string;
  readonly source: ConfigSource;
  readonly lines: Lines;
  readonly clock: Clock;
  readonly outlet: Outlet;
}

interface Outstanding {
  readonly document: CompiledDocument;
  readonly position: Position;
  /** It is all of the document, so that a mismatch is not for want of knowledge. */
  readonly whole: boolean;
  /** The proxy has said anew what it has since then. */
  restated: boolean;
  /** The connection has taken all of it: before that there can be no answer. */
  flushed: boolean;
  /** When the first change in it happened; undefined where it only makes up for what was missed. */
  readonly changedAt: number | undefined;
}

export interface Acknowledged {
  readonly document: CompiledDocument;
  /** From the change to its acknowledgement, ms; undefined where nothing had changed. */
  readonly tookMs: number | undefined;
}

const known = (document: CompiledDocument): KnownBase => ({
  key: document.hash,
  parts: document.parts,
  services: document.services,
});

const NOTHING: KnownBase = { key: '', parts: {}, services: new Map() };

interface Refused {
  readonly hash: string;
  readonly at: number;
  readonly code: string;
  readonly position: Position;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  /** Undefined until the proxy says what it has. */
  #base: KnownBase | undefined;
  #inForce: Position | undefined;
  #outstanding: Outstanding | undefined;
  #refused: Refused | undefined;
  #mismatched = false;
  #changedAt: number | undefined;
  /** The application waits for what is due. */
  #urgent = false;
  #updateSentAt = -Infinity;
  /** Hash of the directory that the proxy has, or has been sent. */
  #directory: string | undefined;
  #directorySent: { from: string | undefined; hash: string; at: number } | undefined;
  #directoryBuffered = false;
  #cancel: (() => void) | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** The proxy says what it has. An update that is outstanding is answered nevertheless. */
  state({ has, report }: StateMessage): void {
    const { source, workload } = this.#options;
    const base = baseOf(has);
    const document = source.document(workload);
    this.#inForce = report.inForce;
    if (isEmpty(base)) this.#base = NOTHING;
    else if (document && document.hash === report.inForce?.hash) this.#base = known(document);
    else this.#base = { ...base, key: undefined };
    if (this.#mismatched) this.#refused = undefined;
    this.#mismatched = false;
    if (this.#outstanding) this.#outstanding.restated = true;
    this.#restateDirectory(has.directory);
    this.look();
  }

  /** Throws MESSAGE_INVALID where no update is outstanding that this could be an answer to. */
  acknowledged(message: AckMessage): Acknowledged {
    const { document, position, changedAt } = this.#answered(message);
    this.#base = known(document);
    this.#inForce = position;
    this.#refused = undefined;
    return {
      document,
      tookMs: changedAt === undefined ? undefined : this.#options.clock.monotonic() - changedAt,
    };
  }

  /** As acknowledged. */
  refused(message: RefusalMessage): void {
    const { document, position, whole, restated } = this.#answered(message);
    const { code } = message;
    this.#refused = { hash: document.hash, at: this.#options.clock.monotonic(), code, position };
    if (code !== 'DOCUMENT_HASH_MISMATCH') return;
    this.#mismatched = !whole || restated;
    // what it has said since then holds; of all that there is nothing more can be told than all of it
    if (!restated) this.#base = whole ? NOTHING : undefined;
  }

  /** An answer can only be given to what was written. */
  get isWriting(): boolean {
    return this.#outstanding?.flushed === false;
  }

  updateFlushed(): void {
    if (this.#outstanding) this.#outstanding.flushed = true;
  }

  /** The document or the directory may be another one since `at` (monotonic). */
  changed(at: number): void {
    if (this.#base && this.#options.source.document(this.#options.workload)?.hash !== this.#base.key) {
      this.#changedAt ??= at;
    }
    this.look();
  }

  directoryFlushed(): void {
    this.#directoryBuffered = false;
    this.look();
  }

  /** Sends what is due. To be called now and then too: a refusal and a place in the order may have lost their force. */
  look(urgent = false): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#urgent ||= urgent;
    const waitMs = Math.min(this.#lookAtDocument(), this.#lookAtDirectory());
    if (waitMs < Infinity) this.#cancel = this.#options.clock.after(waitMs, () => this.look());
  }

  stop(): void {
    this.#cancel?.();
  }

  /** Gives the time after which something will be due by itself. */
  #lookAtDocument(): number {
    const { source, workload, clock } = this.#options;
    const document = source.document(workload);
    if (!document || !this.#base || this.#outstanding) return Infinity;
    if (document.hash === this.#base.key) {
      this.#changedAt = undefined;
      this.#urgent = false;
      // it has this one, and a refusal of another: an update without changes ends that
      if (!this.#refused) return Infinity;
    }
    const now = clock.monotonic();
    const position = source.position(workload);
    // this replica is behind the one that the proxy was connected to: what it has is newer
    if (this.#inForce && compareRevision(position, this.#inForce) < 0) return Infinity;
    if (this.#isRefused(document, position)) return Infinity;
    const waitMs = this.#updateSentAt + GATHER_MS - now;
    if (waitMs > 0 && !this.#urgent) return waitMs;
    this.#send(this.#base, document, position);
    return Infinity;
  }

  #send(base: KnownBase, document: CompiledDocument, position: Position): void {
    const { lines, outlet, clock } = this.#options;
    const whole = base.key === '';
    const changedAt = this.#changedAt;
    this.#outstanding = { document, position, whole, restated: false, flushed: false, changedAt };
    this.#changedAt = undefined;
    this.#urgent = false;
    this.#updateSentAt = clock.monotonic();
    outlet.update(lines.update(base, document, position));
  }

  /** And there is no reason yet to try again. */
  #isRefused({ hash }: CompiledDocument, position: Position): boolean {
    const refused = this.#refused;
    if (refused?.hash !== hash || this.#options.clock.monotonic() - refused.at >= RETRY_MS) return false;
    return refused.code !== 'DOCUMENT_STALE' || compareRevision(position, refused.position) <= 0;
  }

  #lookAtDirectory(): number {
    const { source, namespace, lines, outlet, clock } = this.#options;
    const directory = source.directory(namespace);
    if (!directory || !this.#base || this.#directoryBuffered || directory.hash === this.#directory) {
      return Infinity;
    }
    const now = clock.monotonic();
    const waitMs = this.#waitForDirectory(directory, now);
    if (waitMs > 0) return waitMs;
    const from = this.#directory;
    this.#directory = directory.hash;
    this.#directorySent = { from, hash: directory.hash, at: now };
    this.#directoryBuffered = true;
    outlet.directory(lines.directory(namespace, directory, from));
    return Infinity;
  }

  #waitForDirectory(directory: CompiledDirectory, now: number): number {
    const sent = this.#directorySent;
    if (!sent) return 0;
    // it had all of this one a moment ago and has none: it is on its way, or cannot be used
    if (this.#directory === undefined && sent.from === undefined && sent.hash === directory.hash) {
      return now - sent.at < RETRY_MS ? Infinity : 0;
    }
    const { lines, namespace } = this.#options;
    const gatherMs = lines.adds(namespace, this.#directory) ? GATHER_MS : GATHER_DIRECTORY_MS;
    return sent.at + gatherMs - now;
  }

  /** What was sent after the proxy had said this is on its way to it. */
  #restateDirectory(has: string | undefined): void {
    const sent = this.#directorySent;
    const underWay = sent !== undefined && has !== undefined && has === sent.from;
    this.#directory = underWay ? sent.hash : has;
  }

  #answered({ type, hash }: AckMessage | RefusalMessage): Outstanding {
    const outstanding = this.#outstanding;
    if (outstanding?.document.hash !== hash) {
      throw new WeftError('MESSAGE_INVALID', `no update with this hash is outstanding`, {
        resource: type,
        field: 'hash',
      });
    }
    this.#outstanding = undefined;
    return outstanding;
  }
}
