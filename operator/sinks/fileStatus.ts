import { join } from 'node:path';
import type { MeshConfigStatus, MeshPolicyStatus } from '../../core/api/index.ts';
import { policyName } from '../../core/api/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { replaceFile } from './mounted.ts';
import { refKey, type ObjectRef, type StatusSink, type StoredStatus } from './types.ts';

type Kind = 'MeshPolicy' | 'MeshConfig';

/** What `status.json` holds. */
export interface StatusFile {
  /** By `namespace/name`. */
  policies: Record<string, MeshPolicyStatus>;
  meshConfig?: MeshConfigStatus;
}

/** The status of all resources in one file, `<out>/status.json`, replaced whole. */
export class FileStatus implements StatusSink {
  readonly policies = new Map<string, StoredStatus<MeshPolicyStatus>>();
  readonly meshConfigs = new Map<string, StoredStatus<MeshConfigStatus>>();
  readonly #path: string;
  readonly #listeners = new Set<(kind: Kind, key: string) => void>();
  #writing: Promise<void> = Promise.resolve();

  constructor(out: string) {
    this.#path = join(out, 'status.json');
  }

  onChange(listener: (kind: Kind, key: string) => void): void {
    this.#listeners.add(listener);
  }

  /** There is no API server to ask which resources there are: the snapshot tells. */
  observe(snapshot: Snapshot): void {
    const metas = snapshot.policies.map((policy) => ({ key: policyName(policy), ...policy.metadata }));
    const rejected = snapshot.rejected.filter(({ kind }) => kind === 'MeshPolicy');
    const found = new Map<string, { uid?: string; generation?: number }>(
      metas.map((meta) => [meta.key, meta]),
    );
    for (const resource of rejected) found.set(`${resource.namespace ?? ''}/${resource.name}`, resource);
    const gone = [...this.policies.keys()].filter((key) => !found.has(key));
    for (const key of gone) this.policies.delete(key);
    for (const [key, meta] of found) this.#see(this.policies, key, meta);
    const config =
      snapshot.rejected.find(({ kind }) => kind === 'MeshConfig') ?? snapshot.meshConfigResource?.metadata;
    if (config) this.#see(this.meshConfigs, config.name, config);
    for (const key of [...gone, ...found.keys()]) this.#changed('MeshPolicy', key);
    this.#changed('MeshConfig', 'default');
    if (gone.length > 0) void this.#save().catch(() => undefined);
  }

  async writePolicy(policy: ObjectRef, status: MeshPolicyStatus): Promise<void> {
    const key = refKey(policy);
    const stored = this.policies.get(key);
    if (!stored) return;
    this.policies.set(key, { ...stored, status });
    await this.#save();
  }

  async writeMeshConfig(name: string, status: MeshConfigStatus): Promise<void> {
    const stored = this.meshConfigs.get(name);
    if (!stored) return;
    this.meshConfigs.set(name, { ...stored, status });
    await this.#save();
  }

  /** Files are the user's: none is made for them, the defaults hold. */
  createMeshConfig(): Promise<void> {
    return Promise.resolve();
  }

  #see<Status>(
    map: Map<string, StoredStatus<Status>>,
    key: string,
    { uid = '', generation = 0 }: { uid?: string; generation?: number },
  ): void {
    const before = map.get(key);
    const status = before?.uid === uid ? before.status : undefined;
    map.set(key, { uid, generation, ...(status ? { status } : {}) });
  }

  /** One write after the other; each writes what is newest. */
  #save(): Promise<void> {
    const write = (): Promise<void> => {
      const policies: StatusFile['policies'] = {};
      for (const [key, { status }] of this.policies) if (status) policies[key] = status;
      const meshConfig = this.meshConfigs.get('default')?.status;
      const file: StatusFile = { policies, ...(meshConfig ? { meshConfig } : {}) };
      return replaceFile(this.#path, `${JSON.stringify(file, null, 2)}\n`);
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  #changed(kind: Kind, key: string): void {
    for (const listener of this.#listeners) listener(kind, key);
  }
}
