import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CounterFamily } from './counters.ts';
import { gaugeFamily } from './exposition.ts';
import { mergeExpositions, mergeTotals } from './merge.ts';
import { Traffic } from './traffic.ts';

const traffic = (services: readonly string[]) => {
  const family = new Traffic({ limit: 1000 });
  for (const service of services) {
    const key = { direction: 'inbound', source: '', destination: '', protocol: 'http' } as const;
    // an eighth of a second: sums of it are exact
    const end = { status: 200, durationMs: 125, requestBytes: 0, responseBytes: 5, flag: undefined };
    family.get({ ...key, service, security: 'mtls' }).exchange({ ...end, attempts: 1 });
  }
  return family.expose();
};

const lines = (text: string) => text.split('\n').toSorted();

describe('mergeExpositions', () => {
  it('gives a text that stands alone as it is', () => {
    const text = traffic(['a', 'b', 'a']);
    expect(mergeExpositions([text])).toBe(text);
    expect(mergeExpositions([])).toBe('');
  });

  it('gives what one thread would have counted, whichever thread counted', () => {
    const service = fc.constantFrom('a', 'b', 'with space', 'quo"te', 'back\\slash', 'line\nbreak', '} 1');
    fc.assert(
      fc.property(fc.array(fc.array(service), { minLength: 1, maxLength: 4 }), (threads) => {
        const merged = mergeExpositions(threads.map(traffic));
        expect(lines(merged)).toEqual(lines(traffic(threads.flat())));
      }),
    );
  });

  it('keeps the samples of a family together, and those of a histogram in their order', () => {
    const merged = mergeExpositions([traffic(['a']), traffic(['b', 'a'])]);
    const names = merged.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(names).size).toBe(names.length);
    const buckets = [...merged.matchAll(/service="b".*le="([^"]+)"/g)].map(([, le]) =>
      Number(le!.replace('+', '')),
    );
    expect(buckets).toEqual(buckets.toSorted((a, b) => a - b));
    expect(buckets.length).toBeGreaterThan(10);
  });

  it('adds gauges up, but not those of threads that are gone', () => {
    const open = gaugeFamily({ name: 'open', help: 'Open.', read: () => [['', 3]] });
    const total = new CounterFamily({ name: 'total', help: 'All.', labels: ['of'] });
    total.get('x').value = 5;
    const text = open.expose() + total.expose();
    const gone = mergeTotals([text]);
    expect(gone).toBe('# HELP total All.\n# TYPE total counter\ntotal{of="x"} 5\n');
    expect(mergeExpositions([text, text, gone])).toBe(
      '# HELP open Open.\n# TYPE open gauge\nopen 6\n# HELP total All.\n# TYPE total counter\ntotal{of="x"} 15\n',
    );
  });
});
