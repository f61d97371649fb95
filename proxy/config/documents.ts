/** A document as it is held: by its parts, so that an update is checked without a look at the rest. */
import type { UpdateMessage } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import type { SchemaError } from '../../core/generated/schemaError.d.ts';
import { validateProxyConfig, validateService } from '../../core/generated/documents.js';
import { canonicalJson } from '../../core/proxyConfig/canonical.ts';
import { fieldOf, parseProxyConfig } from '../../core/proxyConfig/parse.ts';
import {
  hashOfDocument,
  hashOfService,
  PART_NAMES,
  partsOf,
  serviceKey,
  type PartName,
  type PartValues,
} from '../../core/proxyConfig/parts.ts';
import type { ProxyConfig, Service } from '../../core/proxyConfig/schema.ts';
import { DOCUMENT_VERSION } from '../../core/proxyConfig/version.ts';
import type { DocumentHead } from '../context.ts';
import { withChanges } from '../outbound/ordered.ts';
import { documentHash, type Position } from './position.ts';

export interface HeldDocument {
  readonly position: Position;
  readonly values: PartValues;
  readonly hashes: Readonly<Record<PartName, string>>;
  /** By `namespace/name`, in that order. */
  readonly services: ReadonlyMap<string, Service>;
}

const mismatch = (what: string, actual: string, said: string) =>
  new WeftError('DOCUMENT_HASH_MISMATCH', `${what} has hash ${actual}, it says ${said}`, {
    resource: 'update',
    field: 'hash',
  });

const invalid = (field: string, message: string) =>
  new WeftError('DOCUMENT_INVALID', message, { resource: 'update', field });

/** Values that did not change stay the same ones: what was made of them is used again. */
function joined(
  position: Position,
  values: PartValues,
  { services, before }: { services: ReadonlyMap<string, Service>; before: HeldDocument | undefined },
): HeldDocument {
  const hashes = {} as Record<PartName, string>;
  const kept = { ...values } as Record<PartName, unknown>;
  for (const name of PART_NAMES) {
    hashes[name] =
      before && values[name] === before.values[name]
        ? before.hashes[name]
        : documentHash(canonicalJson(values[name]));
    if (before && hashes[name] === before.hashes[name]) kept[name] = before.values[name];
  }
  return { position, values: kept as unknown as PartValues, hashes, services };
}

const known = (service: Service, before: HeldDocument | undefined): readonly [string, Service] => {
  const key = serviceKey(service);
  const had = before?.services.get(key);
  return [key, had?.hash === service.hash ? had : service];
};

/** Reads `config.json`. Throws WeftError DOCUMENT_* or CONFIG_MISSING. */
export function readDocument(text: string | undefined, before: HeldDocument | undefined): HeldDocument {
  if (text === undefined)
    throw new WeftError('CONFIG_MISSING', 'there is no config.json', { resource: 'config.json' });
  const document = parseProxyConfig(text, documentHash);
  const { epoch, revision, hash } = document;
  const services = withChanges(
    new Map<string, Service>(),
    document.services.map((service) => known(service, before)),
  );
  return joined({ epoch, revision, hash }, partsOf(document), { services, before });
}

function checkService(service: Service, index: number): void {
  const field = `services[${index}]`;
  if (!validateService(service)) {
    const [error] = validateService.errors ?? [];
    throw invalid(`${field}.${error ? fieldOf(error) : ''}`, error?.message ?? 'does not match the schema');
  }
  const actual = hashOfService(service, documentHash);
  if (actual !== service.hash) throw mismatch(serviceKey(service), actual, service.hash);
}

/** The parts of `update` with those that it leaves as they are. */
function partsAfter(
  { parts, epoch, revision, hash }: UpdateMessage,
  before: HeldDocument | undefined,
): PartValues {
  const names = Object.keys(parts);
  const unknown = names.find((name) => !PART_NAMES.includes(name as PartName));
  if (unknown !== undefined) throw invalid(`parts.${unknown}`, 'is no part that this proxy knows');
  const values = { ...before?.values, ...parts } as Record<PartName, object>;
  const missing = PART_NAMES.find((name) => values[name] === undefined);
  if (missing !== undefined) throw invalid(`parts.${missing}`, 'is missing');
  if (before && names.length === 0) return before.values;
  const { policy, trust, telemetry, settings } = values;
  const head = { version: DOCUMENT_VERSION, epoch, revision, hash };
  const document = { ...policy, ...head, trust, telemetry, settings, services: [] };
  if (!validateProxyConfig(document)) {
    const [error] = (validateProxyConfig.errors ?? []) as SchemaError[];
    throw invalid(error ? fieldOf(error) : '', error?.message ?? 'does not match the schema');
  }
  const read = partsOf(document as unknown as ProxyConfig);
  // those that did not come are the same values as before
  return {
    ...before?.values,
    ...Object.fromEntries(names.map((name) => [name, read[name as PartName]])),
  } as PartValues;
}

/** What an update makes of a document. Throws WeftError DOCUMENT_*; nothing of it is used unless all of it is. */
export function updateDocument(before: HeldDocument | undefined, update: UpdateMessage): HeldDocument {
  const { epoch, revision, hash, services, removed } = update;
  const values = partsAfter(update, before);
  for (const [index, service] of services.entries()) checkService(service, index);
  const after = joined({ epoch, revision, hash }, values, {
    services: withChanges(
      (update.whole ? undefined : before?.services) ?? new Map<string, Service>(),
      services.map((service) => known(service, before)),
      removed,
    ),
    before,
  });
  const actual = hashOfDocument(
    {
      version: DOCUMENT_VERSION,
      parts: after.hashes,
      services: [...after.services.values()].map((service) => service.hash),
    },
    documentHash,
  );
  if (actual !== hash) throw mismatch('the document that results', actual, hash);
  return after;
}

/** Without the services. */
export const headOf = ({ position, values }: HeldDocument): DocumentHead => {
  const { policy, trust, telemetry, settings } = values;
  return { version: DOCUMENT_VERSION, ...position, ...policy, trust, telemetry, settings };
};

/** Whether anything but services differs. */
export const changedParts = ({ hashes }: HeldDocument, after: HeldDocument): boolean =>
  Object.entries(after.hashes).some(([name, hash]) => hashes[name as keyof typeof hashes] !== hash);
