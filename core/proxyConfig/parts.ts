/**
 * A document is made of parts, each with a hash of its own: what of it changed is found, sent and checked without a
 * look at the rest. The hash of the whole is that of the list of its parts' hashes.
 *
 *   policy     workload, resources, sections
 *   trust, telemetry, settings
 *   services   one part for each, by `namespace/name`, in the order of these names (of their UTF-16 units)
 */
import { canonicalJson, type Hash } from './canonical.ts';
import type { Directory, DirectoryService, OutsideService, ProxyConfig, Service } from './schema.ts';

export const PART_NAMES = ['policy', 'trust', 'telemetry', 'settings'] as const;
export type PartName = (typeof PART_NAMES)[number];

/** What a document says, without what orders it. */
export type DocumentContent = Omit<ProxyConfig, 'epoch' | 'revision' | 'hash'>;
export type DirectoryContent = Omit<Directory, 'epoch' | 'revision' | 'hash'>;

/** The values of the parts that every document has once. */
export interface PartValues {
  policy: Pick<ProxyConfig, 'workload' | 'resources' | 'sections'>;
  trust: ProxyConfig['trust'];
  telemetry: ProxyConfig['telemetry'];
  settings: ProxyConfig['settings'];
}

export const partsOf = ({
  workload,
  resources,
  sections,
  trust,
  telemetry,
  settings,
}: Omit<DocumentContent, 'services' | 'version'>): PartValues => ({
  policy: { workload, resources, sections },
  trust,
  telemetry,
  settings,
});

/** `namespace/name`: how services are named in messages and ordered in documents. */
export const serviceKey = ({ namespace, name }: { namespace: string; name: string }): string =>
  `${namespace}/${name}`;

export interface PartHashes {
  readonly version: string;
  readonly parts: Readonly<Record<PartName, string>>;
  /** In the order of the document. */
  readonly services: readonly string[];
}

/** The hash of all services of a document: most documents of a namespace have the same. */
export const hashOfServices = (services: readonly string[], hash: Hash): string =>
  hash(canonicalJson(services));

/** The hash that a document carries, with `services` by one hash. */
export const joinHashes = (
  document: Omit<PartHashes, 'services'> & { readonly services: string },
  hash: Hash,
): string => hash(canonicalJson(document));

/** The hash that a document carries. */
export const hashOfDocument = ({ version, parts, services }: PartHashes, hash: Hash): string =>
  joinHashes({ version, parts, services: hashOfServices(services, hash) }, hash);

export interface DirectoryHashes {
  readonly version: string;
  readonly services: readonly string[];
  readonly outside?: readonly string[] | undefined;
}

/** The hash that a directory carries. */
export const hashOfDirectory = ({ version, services, outside }: DirectoryHashes, hash: Hash): string =>
  hash(canonicalJson({ version, services, outside }));

/** The hash of one service of a document; the service carries it. */
export function hashOfService({ hash: _hash, ...content }: Service, hash: Hash): string {
  return hash(canonicalJson(content));
}

/** The hash of one entry of a directory; the entry does not carry it. */
export const hashOfEntry = (entry: DirectoryService | OutsideService, hash: Hash): string =>
  hash(canonicalJson(entry));

/** The hash of a document from its values; the services carry theirs. */
export function hashContent(content: DocumentContent, hash: Hash): string {
  const values = partsOf(content);
  const parts = Object.fromEntries(PART_NAMES.map((name) => [name, hash(canonicalJson(values[name]))]));
  return hashOfDocument(
    {
      version: content.version,
      parts: parts as Record<PartName, string>,
      services: content.services.map((service) => service.hash),
    },
    hash,
  );
}

/** The hash of a directory from its values. */
export const hashDirectory = ({ version, services, outside }: DirectoryContent, hash: Hash): string =>
  hashOfDirectory(
    {
      version,
      services: services.map((entry) => hashOfEntry(entry, hash)),
      outside: outside?.map((entry) => hashOfEntry(entry, hash)),
    },
    hash,
  );

/** The document with the hashes that it must carry, its services' included. */
export function sealDocument<D extends DocumentContent>(document: D, hash: Hash): D & { hash: string } {
  const services = document.services.map((service) => ({ ...service, hash: hashOfService(service, hash) }));
  const sealed = { ...document, services };
  return { ...sealed, hash: hashContent(sealed, hash) };
}

/** The directory with the hash that it must carry. */
export const sealDirectory = <D extends DirectoryContent>(
  directory: D,
  hash: Hash,
): D & { hash: string } => ({
  ...directory,
  hash: hashDirectory(directory, hash),
});
