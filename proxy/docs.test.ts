import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codes } from '../core/errors/index.ts';
import { configFamilies, controlFamilies } from './config/metrics.ts';
import type { ConfigStore } from './config/store.ts';
import type { StreamClient } from './config/streamClient.ts';
import { createTelemetry } from './telemetry/index.ts';
import { lineWriter } from './telemetry/lineWriter.ts';
import { processFamilies, threadFamilies } from './telemetry/process.ts';
import { variables } from './testing/variables.ts';
import { workerFamilies } from './workers/pool.ts';

const page = readFileSync(new URL('../docs/proxy.md', import.meta.url), 'utf8');

/** Rows of the table with this header. */
const rowsOf = (header: string): string[] => {
  const lines = page.slice(page.indexOf(header)).split('\n').slice(2);
  return lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('|')),
  );
};

const all = Object.entries(codes);
const between = (first: string, last: string) => {
  const names = all.map(([code]) => code);
  return all.slice(names.indexOf(first), names.indexOf(last) + 1);
};
const cell = (text: string) => text.replaceAll('|', '\\|');

describe('docs/proxy.md', () => {
  it('lists the reasons as the code has them', () => {
    const expected = between('AUTHORIZATION_DENIED', 'CLIENT_CLOSED').map(
      ([code, { status, meaning, remedy }]) => `| ${code} | ${status} | ${cell(meaning)} | ${cell(remedy)} |`,
    );
    expect(rowsOf('| x-weft-reason |')).toEqual(expected);
  });

  it('lists what configuration is refused for', () => {
    const expected = between('DOCUMENT_INVALID', 'IDENTITY_REFUSED').map(
      ([code, { meaning, remedy }]) => `| ${code} | ${cell(meaning)} | ${cell(remedy)} |`,
    );
    expect(rowsOf('| code | meaning |')).toEqual(expected);
  });

  it('lists every metric with its type, and no other', () => {
    const store = {
      onRefusals() {},
      refusal() {},
      refusals: [],
      config: {},
      identity: {},
    } as unknown as ConfigStore;
    const state = { messages: {}, updates: {}, asks: {}, lastContact: null };
    const client = { state } as StreamClient;
    const telemetry = createTelemetry({ accessLog: lineWriter(1) });
    const families = [
      telemetry,
      ...configFamilies(store),
      ...controlFamilies(client),
      ...processFamilies(),
      ...threadFamilies(),
      ...workerFamilies({ threads: { serving: 2, wanted: 2 }, restarts: 0 }),
    ];
    const text = families.map((family) => family.expose()).join('');
    const exposed = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const listed = [...page.matchAll(/^\| `(weft_\w+)` \| (\w+) \|/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    expect(listed.toSorted()).toEqual([...exposed, 'weft_uncaught_errors_total counter'].toSorted());
  });

  it('names every variable', () => {
    for (const name of [...Object.keys(variables()), 'WEFT_WORKERS']) expect(page).toContain(`\`${name}\``);
  });
});
