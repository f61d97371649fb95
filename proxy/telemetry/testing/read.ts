/** Telemetry that a test reads: its metrics as text, its access log as parsed lines. */
import { createTelemetry } from '../index.ts';
import type { LineWriter } from '../lineWriter.ts';
import type { ExchangeEnd, SeriesKey } from '../types.ts';

export const key = (change: Partial<SeriesKey> = {}): SeriesKey => ({
  direction: 'inbound',
  source: 'spiffe://cluster.local/ns/shop/sa/cart',
  destination: 'spiffe://cluster.local/ns/shop/sa/payment',
  service: '8080',
  protocol: 'http',
  security: 'mtls',
  ...change,
});

export const end = (change: Partial<ExchangeEnd> = {}): ExchangeEnd => ({
  status: 200,
  durationMs: 3.14159,
  requestBytes: 10,
  responseBytes: 20,
  flag: undefined,
  attempts: 1,
  ...change,
});

/** Keeps the lines that it is given. */
export function sink() {
  const lines: string[] = [];
  let page = Buffer.alloc(0);
  const writer: LineWriter = {
    write: (line) => void lines.push(line),
    begin: (maxBytes) => {
      // what a line writes beyond its bound is an error
      page = Buffer.alloc(maxBytes);
      return 0;
    },
    get page() {
      return page;
    },
    finish: (end) => void lines.push(page.toString('utf8', 0, end)),
    dropped: 0,
    end: async () => {},
  };
  return { lines, writer };
}

export function telemetry(seriesLimit?: number) {
  const { lines, writer } = sink();
  const made = createTelemetry({ accessLog: writer, ...(seriesLimit !== undefined && { seriesLimit }) });
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { made, parsed, lines };
}

export const valueOf = (text: string, start: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .at(-1),
  );
