import type { MeshConfig, MeshConfigStatus, MeshPolicy, MeshPolicyStatus } from '../../core/api/index.ts';
import { API_VERSION } from '../../core/api/index.ts';
import { FIELD_MANAGER } from '../../core/model/names.ts';
import {
  isAlreadyExists,
  isNotFound,
  mergePatch,
  Reflector,
  resources,
  type KubeClient,
  type KubeObject,
  type Ref,
  type Resource,
} from '../../kube/index.ts';
import type { ObjectRef, StatusSink, StoredStatus, View } from './types.ts';

type Kind = 'MeshPolicy' | 'MeshConfig';

const toStored = <Status>(object: KubeObject & { status?: Status }): StoredStatus<Status> => ({
  uid: object.metadata.uid ?? '',
  generation: object.metadata.generation ?? 0,
  ...(object.status ? { status: object.status } : {}),
});

export interface KubernetesStatusOptions {
  readonly client: KubeClient;
  readonly onError: (error: Error) => void;
}

/**
 * The status subresources, written by merge patch. Status is watched apart from the sources, which drop it: nothing
 * may be decided from what we wrote ourselves, except whether to write it again.
 */
export class KubernetesStatus implements StatusSink {
  readonly #client: KubeClient;
  readonly #listeners = new Set<(kind: Kind, key: string) => void>();
  readonly #policies: Reflector<MeshPolicy & KubeObject, StoredStatus<MeshPolicyStatus>>;
  readonly #meshConfigs: Reflector<MeshConfig & KubeObject, StoredStatus<MeshConfigStatus>>;

  constructor({ client, onError }: KubernetesStatusOptions) {
    this.#client = client;
    this.#policies = new Reflector({
      client,
      resource: resources.meshPolicies,
      transform: (policy) => toStored<MeshPolicyStatus>(policy),
      onChange: ({ key }) => this.#changed('MeshPolicy', key),
      onError,
    });
    this.#meshConfigs = new Reflector({
      client,
      resource: resources.meshConfigs,
      transform: (config) => toStored<MeshConfigStatus>(config),
      onChange: ({ key }) => this.#changed('MeshConfig', key),
      onError,
    });
  }

  /** Resolves when every status in place is known. */
  async start(): Promise<void> {
    await Promise.all([this.#policies.start().synced, this.#meshConfigs.start().synced]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#policies.stop(), this.#meshConfigs.stop()]);
  }

  get policies(): View<StoredStatus<MeshPolicyStatus>> {
    return this.#policies.store;
  }

  get meshConfigs(): View<StoredStatus<MeshConfigStatus>> {
    return this.#meshConfigs.store;
  }

  onChange(listener: (kind: Kind, key: string) => void): void {
    this.#listeners.add(listener);
  }

  async writePolicy({ namespace, name }: ObjectRef, status: MeshPolicyStatus): Promise<void> {
    await this.#write(resources.meshPolicies, { namespace, name }, status);
  }

  async writeMeshConfig(name: string, status: MeshConfigStatus): Promise<void> {
    await this.#write(resources.meshConfigs, { name }, status);
  }

  async createMeshConfig(trustDomain: string): Promise<void> {
    // everything but the trust domain is left to the defaults of the schema, which the API server fills in
    const config = {
      apiVersion: API_VERSION,
      kind: 'MeshConfig',
      metadata: { name: 'default' },
      spec: { trustDomain },
    } as MeshConfig & KubeObject;
    try {
      await this.#client.create(resources.meshConfigs, config, { fieldManager: FIELD_MANAGER });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async #write<T extends KubeObject>(resource: Resource<T>, ref: Ref, status: object): Promise<void> {
    try {
      const target = { resource, ref, patch: { status } };
      await mergePatch(this.#client, target, { subresource: 'status', metadataOnly: true });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #changed(kind: Kind, key: string): void {
    for (const listener of this.#listeners) listener(kind, key);
  }
}
