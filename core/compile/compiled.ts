/**
 * What compiling gives: documents as lists of parts. Values here never change; a part, a document or a directory that
 * says the same as before is the very same value, so that whoever holds one can tell by `===` whether there is news.
 */
import type { WorkloadModel } from '../model/index.ts';
import type { PartName, ProxyConfig } from '../proxyConfig/index.ts';

export interface Part {
  readonly hash: string;
  /**
   * Canonical JSON of the part's value, made once for all who send or write it. A service's text holds its hash, as in
   * the document; all others are hashed as they are.
   */
  readonly text: string;
}

export interface CompiledDocument {
  /** Its owner; the model of the snapshot that the document was last made anew from. */
  readonly workload: WorkloadModel;
  readonly hash: string;
  /** The mesh resources in it: what APPLIED compares. */
  readonly resources: ProxyConfig['resources'];
  readonly parts: Readonly<Record<PartName, Part>>;
  /** By `namespace/name`, in that order. */
  readonly services: ReadonlyMap<string, Part>;
}

export interface CompiledDirectory {
  readonly hash: string;
  /** By `namespace/name`, in that order. */
  readonly services: ReadonlyMap<string, Part>;
  /** The services that are not of the mesh; undefined where nobody needs them. */
  readonly outside: ReadonlyMap<string, Part> | undefined;
}

/** What a snapshot, or a service that came into use, changed. */
export interface Changes {
  /** workloadKeys of documents that are new, other than before, or gone. */
  readonly documents: ReadonlySet<string>;
  /** Namespaces with documents whose directory is new, another one, or not needed any more. */
  readonly directories: ReadonlySet<string>;
}

/** Whether a workload may have a service that it asks for. */
export type Availability =
  | 'Available'
  /** No such service of the mesh. */
  | 'Unknown'
  /** Its visibility excludes the workload's namespace. */
  | 'Hidden';
