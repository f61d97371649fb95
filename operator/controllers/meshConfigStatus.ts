/** Keeps `status` of MeshConfig `default` true, and makes that resource where there is none. */
import type { MeshConfigStatus } from '../../core/api/index.ts';
import { resourceKey, type PodModel } from '../../core/model/index.ts';
import { canonicalJson } from '../../core/proxyConfig/index.ts';
import type { StoredStatus } from '../sinks/types.ts';
import { meshConfigStatus, type StreamFacts, type Unconnected } from '../status/meshConfig.ts';
import { holdsMs } from '../status/proxies.ts';
import type { Again } from './documents.ts';
import { Pace } from './pace.ts';
import { FILES_GRACE_MS, START_GRACE_MS } from './presence.ts';
import { settling } from './settling.ts';
import { appliedIn, isTransition, statesOf, type StatusOptions } from './statusLook.ts';
import type { SnapshotView } from './view.ts';

export const MESH_CONFIG = 'default';
export const MESH_CONFIG_KEY = resourceKey('MeshConfig', { name: MESH_CONFIG });
const CREATE_INTERVAL_MS = 1_000;

export interface MeshConfigStatusOptions extends StatusOptions {
  /** Of the MeshConfig that is made where there is none. */
  readonly trustDomain: string;
  /** refKeys of documents that no ConfigMap can hold. */
  readonly oversized: () => Iterable<string>;
}

export class MeshConfigStatusController {
  readonly #options: MeshConfigStatusOptions;
  readonly #startedAt: number;
  readonly #pace: Pace;
  #triedAt = -Infinity;
  /** Made once: whoever deletes it afterwards wants the defaults without it. */
  #created = false;

  constructor(options: MeshConfigStatusOptions) {
    this.#options = options;
    this.#startedAt = options.monotonic();
    this.#pace = new Pace({ ...options, isFirst: true });
  }

  /** The webhook judges it too, and may start at the same time as we do. */
  async #create(create: () => Promise<void>): Promise<Again | undefined> {
    const { monotonic } = this.#options;
    const wait = this.#triedAt + CREATE_INTERVAL_MS - monotonic();
    if (this.#created) return undefined;
    if (wait > 0) return { requeueAfterMs: wait };
    this.#triedAt = monotonic();
    await create();
    this.#created = true;
    return undefined;
  }

  async reconcile(): Promise<Again | undefined> {
    const { sink, monotonic, onWritten, trustDomain } = this.#options;
    const stored = sink.meshConfigs.get(MESH_CONFIG);
    if (!stored) return this.#create(() => sink.createMeshConfig(trustDomain));
    this.#created = true;
    const view = this.#options.view();
    if (!view || !isInView(view, stored)) return undefined;
    const lookMs = this.#pace.lookMs(MESH_CONFIG);
    if (lookMs > 0) return { requeueAfterMs: lookMs };

    const startedAt = monotonic();
    const { status, settleMs, validMs } = this.#compute(stored, view);
    this.#pace.looked(MESH_CONFIG, startedAt);
    if (settleMs > 0) return { requeueAfterMs: settleMs };
    if (canonicalJson(status) !== canonicalJson(stored.status ?? null)) {
      const writeMs = this.#pace.writeMs(MESH_CONFIG, isTransition(stored.status, status));
      if (writeMs > 0) return { requeueAfterMs: Math.min(writeMs, validMs) };
      this.#pace.written(MESH_CONFIG);
      await sink.writeMeshConfig(MESH_CONFIG, status);
      onWritten('MeshConfig');
    }
    return validMs < Infinity ? { requeueAfterMs: validMs } : undefined;
  }

  #compute(
    stored: StoredStatus<MeshConfigStatus>,
    view: SnapshotView,
  ): { status: MeshConfigStatus; settleMs: number; validMs: number } {
    const { monotonic, now, progress, oversized } = this.#options;
    const { generation, uid, status: written } = stored;
    const rejected = rejectedOf(view, stored);
    const wanted = { key: MESH_CONFIG_KEY, uid, generation };
    const proxies = statesOf(view.proxies(), wanted, this.#options);
    const streams = this.#streams(view);
    const status = meshConfigStatus(
      {
        generation,
        problems: rejected?.problems ?? [],
        proxies,
        streams: streams.facts,
        oversized: [...oversized()].sort(),
        ...(written ? { previous: written } : {}),
        ...appliedIn(proxies, { key: MESH_CONFIG_KEY, wanted, written, progress }),
      },
      new Date(now()).toISOString(),
    );
    const sinceLeadingMs = monotonic() - this.#startedAt;
    // proxies of a leader that has just begun are on their way to it
    const startMs = streams.facts.without.length > 0 && written ? START_GRACE_MS - sinceLeadingMs : 0;
    const isNews = written?.observedGeneration !== generation;
    const settleMs = Math.max(
      settling(proxies, { written, generation, sinceLeadingMs }),
      isNews ? 0 : startMs,
    );
    return { status, settleMs, validMs: Math.min(holdsMs(proxies), streams.validMs) };
  }

  /** A moment without a stream is nothing. */
  #streams(view: SnapshotView): { facts: StreamFacts; validMs: number } {
    const { presence } = this.#options;
    const without: Unconnected[] = [];
    let connected = 0;
    let validMs = Infinity;
    for (const pod of view.proxies()) {
      const lostMs = presence.lostMs(pod.uid);
      if (lostMs >= FILES_GRACE_MS) without.push(this.#unconnected(pod));
      else connected += 1;
      if (lostMs > 0 && lostMs < FILES_GRACE_MS) validMs = Math.min(validMs, FILES_GRACE_MS - lostMs);
    }
    without.sort((a, b) => (a.pod < b.pod ? -1 : 1));
    return { facts: { connected, without }, validMs };
  }

  #unconnected({ namespace, name, uid }: PodModel): Unconnected {
    const receivedAt = this.#options.reports.get(uid)?.receivedAt;
    return {
      pod: `${namespace}/${name}`,
      ...(receivedAt === undefined ? {} : { heardAt: new Date(receivedAt).toISOString() }),
    };
  }
}

const rejectedOf = (view: SnapshotView, { uid, generation }: StoredStatus<MeshConfigStatus>) => {
  const rejected = view.rejected.get(MESH_CONFIG);
  return rejected?.uid === uid && rejected.generation === generation ? rejected : undefined;
};

/** Else the snapshot is not there yet; its coming brings us back. */
function isInView(view: SnapshotView, stored: StoredStatus<MeshConfigStatus>): boolean {
  const metadata = view.snapshot.meshConfigResource?.metadata;
  if (rejectedOf(view, stored)) return true;
  return metadata?.uid === stored.uid && metadata.generation === stored.generation;
}
