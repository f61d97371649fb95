/** The arithmetic of a comparison, and its table. */

export interface Row {
  contender: string;
  /** CPU of all processes of the contender, microseconds per request. */
  cpuUs: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  rssAnonMiB: number;
  errors: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median of each figure over the rounds of one contender; errors are added up. */
export function summarize(rounds: readonly Row[]): Row {
  const of = (field: Exclude<keyof Row, 'contender'>) => median(rounds.map((row) => row[field]));
  return {
    contender: rounds[0]!.contender,
    cpuUs: of('cpuUs'),
    requestsPerSecond: of('requestsPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    rssAnonMiB: of('rssAnonMiB'),
    errors: rounds.reduce((sum, row) => sum + row.errors, 0),
  };
}

/** Median of the ratios within each round: what the machine did to both at that time cancels out. */
export function pairedRatio(ours: readonly Row[], peer: readonly Row[]): number {
  return median(ours.map((row, round) => row.cpuUs / peer[round]!.cpuUs));
}

export interface TableOptions {
  title: string;
  /** Rounds by contender. */
  results: ReadonlyMap<string, readonly Row[]>;
  /** The contender that the ratios refer to. */
  peer: string;
}

export function table({ title, results, peer }: TableOptions): string {
  const header = [
    'contender',
    'CPU µs/req',
    `CPU vs ${peer}`,
    'req/s',
    'p50 ms',
    'p99 ms',
    'RssAnon MiB',
    'errors',
  ];
  const lines = [...results].map(([name, rounds]) => {
    const row = summarize(rounds);
    return [
      name,
      row.cpuUs.toFixed(1),
      `${pairedRatio(rounds, results.get(peer)!).toFixed(2)}x`,
      row.requestsPerSecond.toFixed(0),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      row.rssAnonMiB.toFixed(1),
      String(row.errors),
    ];
  });
  const widths = header.map((text, column) =>
    Math.max(text.length, ...lines.map((line) => line[column]!.length)),
  );
  const render = (cells: string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [`### ${title}`, '', render(header), rule, ...lines.map(render), ''].join('\n');
}
