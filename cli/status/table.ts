/** What `weft status` prints. */
import { sinceText, tableText } from '../output.ts';
import type { ShownProxy } from './direct.ts';

interface Column {
  readonly head: string;
  readonly cell: (proxy: ShownProxy, now: number) => string;
  /** Only where all is asked for. */
  readonly wide?: true;
}

const connection = ({ connected, responsive }: ShownProxy): string => {
  if (!connected) return 'no';
  return responsive ? 'yes' : 'unresponsive';
};

const state = ({ condition, refused }: ShownProxy): string =>
  refused && condition === 'Refused' ? `${condition} ${refused.code}` : condition;

const certificate = ({ certificate: shown }: ShownProxy, now: number): string => {
  if (!shown) return '';
  return Date.parse(shown.notAfter) <= now ? 'expired' : sinceText(shown.notAfter, now, true);
};

const generations = ({ inForce }: ShownProxy): string =>
  Object.entries(inForce?.resources ?? {})
    .map(([key, { generation }]) => `${key}=${generation}`)
    .join(',');

const columns: readonly Column[] = [
  { head: 'NAMESPACE', cell: ({ pod }) => pod.namespace },
  { head: 'POD', cell: ({ pod }) => pod.name },
  { head: 'WORKLOAD', cell: ({ workload }) => (workload.name ? `${workload.kind}/${workload.name}` : '') },
  { head: 'CONNECTED', cell: connection },
  { head: 'REVISION', cell: ({ inForce }) => inForce?.revision ?? '' },
  { head: 'STATE', cell: state },
  { head: 'AGE', cell: ({ inForce }, now) => sinceText(inForce?.since, now) },
  { head: 'VERSION', cell: ({ proxyVersion = '' }) => proxyVersion },
  { head: 'CERTIFICATE', cell: certificate },
  { head: 'HEARD', cell: ({ heardAt }, now) => sinceText(heardAt, now), wide: true },
  { head: 'HASH', cell: ({ inForce }) => inForce?.hash.slice(0, 12) ?? '', wide: true },
  { head: 'RESOURCES', cell: generations, wide: true },
];

/** Conditions that make the command end with 1: something is not as it should be, or nobody can tell. */
export const isLate = ({ condition }: ShownProxy): boolean =>
  condition === 'Late' || condition === 'Refused' || condition === 'Unknown';

const ORDER = ['Current', 'Updating', 'Late', 'Refused', 'Starting', 'Unknown'] as const;

export function countsOf(proxies: readonly ShownProxy[]): Record<string, number> {
  const counts = ORDER.map((condition) => [
    condition.toLowerCase(),
    proxies.filter((proxy) => proxy.condition === condition).length,
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0)) as Record<string, number>;
}

export interface ShowOptions {
  readonly proxies: readonly ShownProxy[];
  /** Those of `proxies` that are to be shown; the summary is of all. */
  readonly shown: readonly ShownProxy[];
  readonly wide: boolean;
  readonly now: number;
}

/** The table, a line for each that is late with the reason, and a summary. */
export function statusText({ proxies, shown, wide, now }: ShowOptions): string {
  const used = columns.filter((column) => wide || !column.wide);
  const rows = shown.map((proxy) => used.map(({ cell }) => cell(proxy, now)));
  const head = used.map((column) => column.head);
  const reasons = shown
    .filter(({ condition, reason }) => reason !== undefined && condition !== 'Updating')
    .map(({ pod, reason }) => `${pod.namespace}/${pod.name}: ${reason}\n`);
  const counts = Object.entries(countsOf(proxies)).map(([name, count]) => `${count} ${name}`);
  return [
    ...(shown.length > 0 ? [tableText(head, rows), '\n'] : []),
    ...reasons,
    `${proxies.length} ${proxies.length === 1 ? 'proxy' : 'proxies'}${counts.length > 0 ? `: ${counts.join(', ')}` : ''}\n`,
  ].join('');
}
