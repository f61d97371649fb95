import { annotation, label } from '../../core/model/names.ts';
import type { Hash } from '../../core/proxyConfig/index.ts';
import {
  apply,
  isNotFound,
  Reflector,
  resources,
  type ConfigMap,
  type KubeClient,
} from '../../kube/index.ts';
import { base64 } from './packed.ts';
import { readStamp } from './stamp.ts';
import { type DocumentObject, type DocumentSink, type ExistingDocument, type View } from './types.ts';

const MANAGED = 'weft';
const FILES = ['config.json', 'directory.json'];
/** Documents are long, and nothing of a page is kept: large pages would be what the process needs most memory for. */
const PAGE_SIZE = 25;

const stateOf = ({ metadata }: Pick<ConfigMap, 'metadata'>): Omit<ExistingDocument, 'actualTextHash'> => {
  const stamp = readStamp(metadata.annotations?.[annotation.document]);
  const ownerUid = metadata.ownerReferences?.[0]?.uid;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '0',
    ...(ownerUid === undefined ? {} : { ownerUid }),
    ...(stamp ? { stamp } : {}),
  };
};

/** Keeps a hash of the text instead of the text: all documents of a large mesh would not fit in memory. */
const toExisting =
  (hash: Hash) =>
  (configMap: ConfigMap): ExistingDocument => {
    const { data = {}, binaryData = {} } = configMap;
    const stored = FILES.map((file) => data[file] ?? binaryData[`${file}.gz`]).find(
      (text) => text !== undefined,
    );
    return { ...stateOf(configMap), actualTextHash: stored === undefined ? '' : hash(stored) };
  };

const intentOf = ({ namespace, name, file, data, stamp, owner, expectedVersion }: DocumentObject) => ({
  metadata: {
    namespace,
    name,
    labels: { [label.managedBy]: MANAGED },
    annotations: { [annotation.document]: JSON.stringify(stamp) },
    ...(owner ? { ownerReferences: [owner] } : {}),
    ...(expectedVersion ? { resourceVersion: expectedVersion } : {}),
  },
  ...(typeof data === 'string' ? { data: { [file]: data } } : { binaryData: { [file]: base64(data) } }),
});

export interface KubernetesDocumentsOptions {
  readonly client: KubeClient;
  readonly hash: Hash;
  readonly onError: (error: Error) => void;
}

/** ConfigMaps, written by server-side apply and watched by their label. */
export class KubernetesDocuments implements DocumentSink {
  readonly #client: KubeClient;
  readonly #listeners = new Set<(key: string) => void>();
  readonly #reflector: Reflector<ConfigMap, ExistingDocument>;

  constructor({ client, hash, onError }: KubernetesDocumentsOptions) {
    this.#client = client;
    this.#reflector = new Reflector<ConfigMap, ExistingDocument>({
      client,
      resource: resources.configMaps,
      pageSize: PAGE_SIZE,
      labelSelector: `${label.managedBy}=${MANAGED}`,
      transform: toExisting(hash),
      onChange: ({ key }) => this.#changed(key),
      onError,
    });
  }

  /** Resolves when every document in place is known. */
  async start(): Promise<void> {
    await this.#reflector.start().synced;
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }

  get existing(): View<ExistingDocument> {
    return this.#reflector.store;
  }

  onChange(listener: (key: string) => void): void {
    this.#listeners.add(listener);
  }

  async apply(document: DocumentObject): Promise<ExistingDocument> {
    const target = { resource: resources.configMaps, object: intentOf(document) };
    const written = await apply(this.#client, target, { metadataOnly: true });
    return { ...stateOf(written), actualTextHash: document.stamp.textHash };
  }

  async remove({ namespace, name, uid }: ExistingDocument): Promise<void> {
    try {
      await this.#client.delete(resources.configMaps, { namespace, name }, { uid });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #changed(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }
}
