/** What the proxies' server needs of the rest of the operator, and what it tells it. */
import type { Changes, CompiledDirectory, CompiledDocument } from '../../core/compile/index.ts';
import type { Code } from '../../core/errors/index.ts';

/** Orders what is sent: docs/stream.md. */
export interface Position {
  readonly epoch: number;
  readonly revision: string;
}

/** Who holds the lease. */
export interface Leadership {
  readonly leading: boolean;
  /** `address:port` of the leader's control server, where known. */
  readonly address?: string;
}

/** The mesh as it is compiled at this moment, on any replica. */
export interface ConfigSource {
  /** By workloadKey. Undefined before the first snapshot, and where the workload has no document. */
  document(workload: string): CompiledDocument | undefined;
  /** Undefined before the first snapshot. */
  directory(namespace: string): CompiledDirectory | undefined;
  /** Of what is sent of the document of a workload now. */
  position(workload: string): Position;
  /** Of what is sent of the directory of a namespace now. */
  directoryPosition(namespace: string): Position;
  /**
   * The workload has called these services of other namespaces: its document holds them from now on. Says of each
   * what becomes of it: `Available`, or SERVICE_UNKNOWN, SERVICE_HIDDEN, ASK_LIMIT. Listeners of onChange are called
   * before it returns.
   */
  use(workload: string, services: readonly string[]): ReadonlyMap<string, 'Available' | Code>;
  /** Another replica has granted these: taken as they are, whatever this one knows of the services and the workload. */
  remember(workload: string, services: readonly string[]): void;
  /** Calls back with what changed, after it did; returns the way to stop. */
  onChange(listener: (changes: Changes) => void): () => void;
}
