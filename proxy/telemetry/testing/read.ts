/** Telemetry that a test reads: its metrics as text, its access log as parsed lines. */
import { createTelemetry } from '../index.ts';
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

export function sink() {
  const lines: string[] = [];
  return {
    lines,
    writer: { write: (line: string) => void lines.push(line), dropped: 0, end: async () => {} },
  };
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
