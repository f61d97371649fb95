/** Keeps `status` of MeshConfig `default` true, and makes that resource where there is none. */
import { resourceKey } from '../../core/model/index.ts';
import { canonicalJson } from '../../core/proxyConfig/index.ts';
import { meshConfigStatus } from '../status/meshConfig.ts';
import { proxyState } from '../status/proxies.ts';
import type { Again } from './documents.ts';
import { COALESCE_MS, type StatusOptions } from './policyStatus.ts';
import { settling } from './settling.ts';

export const MESH_CONFIG = 'default';
const CREATE_INTERVAL_MS = 1_000;

export class MeshConfigStatusController {
  readonly #options: StatusOptions & { readonly trustDomain: string };
  readonly #startedAt: number;
  #writtenAt = -Infinity;
  #triedAt = -Infinity;
  /** Made once: whoever deletes it afterwards wants the defaults without it. */
  #created = false;

  constructor(options: StatusOptions & { readonly trustDomain: string }) {
    this.#options = options;
    this.#startedAt = options.monotonic();
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
    const { sink, reports, now, monotonic, onWritten, trustDomain } = this.#options;
    const stored = sink.meshConfigs.get(MESH_CONFIG);
    if (!stored) {
      return this.#create(() => sink.createMeshConfig(trustDomain));
    }
    this.#created = true;
    const view = this.#options.view();
    if (!view) return undefined;
    const { uid, generation } = stored;
    const rejected = view.rejected.get(MESH_CONFIG);
    const isRejected = rejected?.uid === uid && rejected.generation === generation;
    const inSnapshot = view.snapshot.meshConfigResource?.metadata;
    if (!isRejected && (inSnapshot?.uid !== uid || inSnapshot.generation !== generation)) return undefined;

    const wanted = { key: resourceKey('MeshConfig', { name: MESH_CONFIG }), uid, generation };
    const proxies = view.proxies().map((pod) => proxyState(pod, reports.get(pod.uid)?.report, wanted));
    const sinceLeadingMs = monotonic() - this.#startedAt;
    const wait = Math.max(
      settling(proxies, { written: stored.status, generation, sinceLeadingMs }),
      this.#writtenAt + COALESCE_MS - monotonic(),
    );
    if (wait > 0) return { requeueAfterMs: wait };
    const status = meshConfigStatus(
      {
        generation,
        problems: isRejected ? rejected.problems : [],
        proxies,
        ...(stored.status ? { previous: stored.status } : {}),
      },
      new Date(now()).toISOString(),
    );
    if (canonicalJson(status) === canonicalJson(stored.status ?? null)) return undefined;
    this.#writtenAt = monotonic();
    await sink.writeMeshConfig(MESH_CONFIG, status);
    onWritten('MeshConfig');
    return undefined;
  }
}
