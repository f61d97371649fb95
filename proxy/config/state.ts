/** From documents to the state in force: all that is derived is derived before anything is swapped. */
import { WeftError } from '../../core/errors/index.ts';
import { compileAuthorizer, isPolicyInvalid, type Authorizer } from '../../core/evaluate/index.ts';
import type { Section, Service } from '../../core/proxyConfig/index.ts';
import type { ConfigState, DocumentHead } from '../context.ts';
import { LiveDestinations } from '../outbound/destinations.ts';
import { CompactDirectory, type DirectoryChange } from '../outbound/directory.ts';
import { changesOf, withChanges } from '../outbound/ordered.ts';
import type { Vicinity } from '../outbound/registry.ts';
import { LiveValue } from './live.ts';
import type { Position } from './position.ts';

/** All that a state is derived from. */
export interface StateSource {
  readonly document: DocumentHead;
  /** Position in the document's sections. */
  readonly section: number;
  readonly services: ReadonlyMap<string, Service>;
  readonly directory: CompactDirectory | undefined;
}

function authorizerOf(section: Section, index: number): Authorizer {
  try {
    return compileAuthorizer(section);
  } catch (error) {
    if (!isPolicyInvalid(error)) throw error;
    throw new WeftError('DOCUMENT_INVALID', error.message, {
      resource: 'config.json',
      field: `sections[${index}].${error.field}`,
      cause: error,
    });
  }
}

/** The state of a proxy, or of one of its workers. */
export class StateKeeper {
  readonly config: LiveValue<ConfigState>;
  readonly #destinations: LiveDestinations;

  /** `onError` is told what those who follow the state throw. */
  constructor(vicinity?: Vicinity, onError?: (error: unknown) => void) {
    this.config = new LiveValue(onError);
    this.#destinations = new LiveDestinations(vicinity);
  }

  /** Costs what differs from the state before. Throws WeftError DOCUMENT_INVALID, and changes nothing then. */
  swap({ document, section: index, services, directory }: StateSource): void {
    const { current } = this.config;
    const section = document.sections[index]!;
    const authorizer = current?.section === section ? current.authorizer : authorizerOf(section, index);
    const destinations = this.#destinations;
    destinations.become({ settings: document.settings, services, directory });
    this.config.set({ document, section, services, directory, authorizer, destinations });
  }
}

/** What makes one state of another, as plain data for another thread. */
export interface StateChange {
  position: Position;
  /** Absent: but for its position as before. */
  document: DocumentHead | undefined;
  section: number;
  services: readonly Service[];
  removed: readonly string[];
  /** Absent: as before. */
  directory: DirectoryChange | undefined;
}

const CONTENT = ['workload', 'resources', 'sections', 'trust', 'telemetry', 'settings'] as const;

export function changeOf(before: ConfigState | undefined, after: ConfigState): StateChange {
  const { document, section, services, directory } = after;
  const { epoch, revision, hash } = document;
  const { changed, removed } = changesOf(before?.services, services);
  const same = before && CONTENT.every((name) => before.document[name] === document[name]);
  return {
    position: { epoch, revision, hash },
    document: same ? undefined : document,
    section: document.sections.indexOf(section),
    services: changed,
    removed,
    directory:
      directory && directory !== before?.directory
        ? CompactDirectory.change(before?.directory, directory)
        : undefined,
  };
}

/** The first change of all is whole. */
export function sourceAfter(
  before: ConfigState | undefined,
  { position, document, section, services, removed, directory }: StateChange,
): StateSource {
  const head = document ?? before?.document;
  if (!head) throw new Error('a change of nothing');
  const pairs = services.map((service) => [`${service.namespace}/${service.name}`, service] as const);
  return {
    document: { ...head, ...position },
    section,
    services: withChanges(before?.services ?? new Map<string, Service>(), pairs, removed),
    directory: directory ? CompactDirectory.of(directory, before?.directory) : before?.directory,
  };
}
