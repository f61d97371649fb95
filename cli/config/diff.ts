/** What a proxy runs beside what it should run: by the parts' hashes, and where these differ by their values. */
import type { DocumentPage } from '../../core/control/index.ts';
import {
  canonicalJson,
  PART_NAMES,
  partsOf,
  serviceKey,
  type PartName,
  type ProxyConfig,
} from '../../core/proxyConfig/index.ts';
import type { ConfigPage } from '../cluster/proxy.ts';

/** A field that differs; absent on one side: undefined. */
export interface FieldChange {
  readonly field: string;
  readonly inForce?: unknown;
  readonly wanted?: unknown;
}

export interface Difference {
  /** `policy`, `trust`, `telemetry`, `settings`, `services/<namespace>/<name>`, or `directory`. */
  readonly part: string;
  readonly kind: 'Changed' | 'Missing' | 'Superfluous';
  readonly fields: readonly FieldChange[];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object';

/** The leaves at which two values differ, by paths such as `ports[0].endpoints[1].state`. */
export function fieldChanges(inForce: unknown, wanted: unknown, field = ''): FieldChange[] {
  if (!isObject(inForce) || !isObject(wanted) || Array.isArray(inForce) !== Array.isArray(wanted)) {
    if (canonicalJson(inForce) === canonicalJson(wanted)) return [];
    return [
      {
        field,
        ...(inForce === undefined ? {} : { inForce }),
        ...(wanted === undefined ? {} : { wanted }),
      },
    ];
  }
  const at = (name: string): string => {
    if (Array.isArray(inForce)) return `${field}[${name}]`;
    return field === '' ? name : `${field}.${name}`;
  };
  return [...new Set([...Object.keys(inForce), ...Object.keys(wanted)])].flatMap((name) =>
    fieldChanges(inForce[name], wanted[name], at(name)),
  );
}

type Named = Omit<Difference, 'fields'>;

/** What of the parts differs, by their hashes, in the order of documents. */
export function differingParts(
  {
    parts,
    services,
  }: { parts: Readonly<Record<string, string>>; services: Readonly<Record<string, string>> },
  wanted: Pick<DocumentPage, 'parts' | 'services'>,
): Named[] {
  const keys = [...new Set([...Object.keys(services), ...Object.keys(wanted.services)])].sort();
  const ofService = (key: string): Named => {
    const part = `services/${key}`;
    if (services[key] === undefined) return { part, kind: 'Missing' };
    return { part, kind: wanted.services[key] === undefined ? 'Superfluous' : 'Changed' };
  };
  return [
    ...PART_NAMES.filter((name) => parts[name] !== wanted.parts[name]).map((part): Named => ({
      part,
      kind: 'Changed',
    })),
    ...keys.filter((key) => services[key] !== wanted.services[key]).map(ofService),
  ];
}

/** The directory is compared as a whole: its entries are shown by `weft config POD routes`. */
export function directoryDifference(
  { directoryInForce }: ConfigPage,
  { directory }: DocumentPage,
): Difference[] {
  const [inForce, wanted] = [directoryInForce?.position.hash, directory?.hash];
  if (inForce === wanted) return [];
  const fields = [{ field: 'hash', ...(inForce ? { inForce } : {}), ...(wanted ? { wanted } : {}) }];
  return [{ part: 'directory', kind: inForce ? (wanted ? 'Changed' : 'Superfluous') : 'Missing', fields }];
}

/** The value of a part of the document in force; undefined where it has none of that name. */
export function partValue(document: ProxyConfig, part: string): unknown {
  if (!part.startsWith('services/')) return partsOf(document)[part as PartName];
  return document.services.find((service) => `services/${serviceKey(service)}` === part);
}

const MAX_LINES = 50;
const MAX_VALUE = 300;

const shownValue = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
};

const fieldText = ({ field, ...change }: FieldChange): string =>
  [
    `  ${field}\n`,
    'inForce' in change ? `    - ${shownValue(change.inForce)}\n` : '',
    'wanted' in change ? `    + ${shownValue(change.wanted)}\n` : '',
  ].join('');

const described = { Changed: 'differs', Missing: 'is missing', Superfluous: 'should not be there' } as const;

/** `-` is in force, `+` is wanted. */
export const diffText = (differences: readonly Difference[]): string =>
  differences
    .map(({ part, kind, fields }) =>
      [
        `${part} ${described[kind]}\n`,
        ...fields.slice(0, MAX_LINES).map(fieldText),
        ...(fields.length > MAX_LINES ? [`  … and ${fields.length - MAX_LINES} more fields\n`] : []),
      ].join(''),
    )
    .join('');
