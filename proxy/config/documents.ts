/** From texts to the state in force: parse, order, choose, derive; nothing of a document is used unless all of it is. */
import { createHash } from 'node:crypto';
import { WeftError } from '../../core/errors/index.ts';
import { compileAuthorizer, isPolicyInvalid } from '../../core/evaluate/index.ts';
import { compareRevision } from '../../core/proxyConfig/canonical.ts';
import type { Directory, ProxyConfig } from '../../core/proxyConfig/index.ts';
import { labelsKey } from '../../core/proxyConfig/labels.ts';
import { parseDirectory, parseProxyConfig } from '../../core/proxyConfig/parse.ts';
import type { ConfigState } from '../context.ts';
import { buildDestinations } from '../outbound/destinations.ts';
import type { Vicinity } from '../outbound/registry.ts';
import { parsePodLabels } from './podLabels.ts';

export const documentHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 32);

type Ordered = { epoch: number; revision: string; hash: string };

/** Throws DOCUMENT_STALE where `next` is older than what is in force: a late file never undoes a newer one. */
function mustNotBeOlder(next: Ordered, inForce: Ordered | undefined, resource: string): void {
  if (!inForce || next.hash === inForce.hash || compareRevision(next, inForce) >= 0) return;
  throw new WeftError(
    'DOCUMENT_STALE',
    `revision ${next.epoch}/${next.revision} is older than ${inForce.epoch}/${inForce.revision}, which is in force`,
    { resource, field: 'revision' },
  );
}

/** Throws WeftError DOCUMENT_* or CONFIG_MISSING. */
export function readConfig(text: string | undefined, inForce: ProxyConfig | undefined): ProxyConfig {
  if (text === undefined)
    throw new WeftError('CONFIG_MISSING', 'there is no config.json', { resource: 'config.json' });
  const document = parseProxyConfig(text, documentHash);
  mustNotBeOlder(document, inForce, 'config.json');
  return document;
}

/** Undefined where there is none. Throws WeftError DOCUMENT_*. */
export function readDirectory(
  text: string | undefined,
  inForce: Directory | undefined,
): Directory | undefined {
  if (text === undefined) return inForce;
  const directory = parseDirectory(text, documentHash);
  mustNotBeOlder(directory, inForce, 'directory.json');
  return directory;
}

export interface StateParts {
  document: ProxyConfig;
  directory: Directory | undefined;
  /** Text of the downward API's file. */
  labels: string | undefined;
  vicinity?: Vicinity | undefined;
}

/** Derives the state of a document whole. Throws WeftError SECTION_MISSING or DOCUMENT_INVALID. */
export function buildState({ document, directory, labels, vicinity }: StateParts): ConfigState {
  if (labels === undefined)
    throw new WeftError('SECTION_MISSING', "the file with the pod's labels is not there", {
      resource: 'labels',
    });
  const podLabels = parsePodLabels(labels);
  const key = labelsKey(podLabels);
  const index = document.sections.findIndex((section) => labelsKey(section.labels) === key);
  if (index === -1) {
    throw new WeftError(
      'SECTION_MISSING',
      `revision ${document.epoch}/${document.revision} has ${document.sections.length} sections, none for the labels ${key}`,
      { resource: 'config.json', field: 'sections' },
    );
  }
  return deriveState({ document, section: index, directory }, vicinity);
}

/** All that a state is derived from, as plain data. */
export interface StateSource {
  document: ProxyConfig;
  /** Position in the document's sections. */
  section: number;
  directory: Directory | undefined;
}

export const sourceOf = ({ document, section, directory }: ConfigState): StateSource => ({
  document,
  section: document.sections.indexOf(section),
  directory,
});

/** Throws WeftError DOCUMENT_INVALID. */
export function deriveState(
  { document, section: index, directory }: StateSource,
  vicinity: Vicinity | undefined,
): ConfigState {
  const section = document.sections[index]!;
  try {
    const authorizer = compileAuthorizer(section);
    const destinations = buildDestinations(document, directory, vicinity);
    return { document, section, directory, authorizer, destinations };
  } catch (error) {
    if (!isPolicyInvalid(error)) throw error;
    throw new WeftError('DOCUMENT_INVALID', error.message, {
      resource: 'config.json',
      field: `sections[${index}].${error.field}`,
      cause: error,
    });
  }
}

/** The same document and section with a newer directory. */
export const withDirectory = (
  state: ConfigState,
  directory: Directory,
  vicinity: Vicinity | undefined,
): ConfigState => ({
  ...state,
  directory,
  destinations: buildDestinations(state.document, directory, vicinity),
});
