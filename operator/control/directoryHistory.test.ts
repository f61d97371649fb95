import { expect, it } from 'vitest';
import type { CompiledDirectory } from '../../core/compile/index.ts';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { documentHash } from '../hash.ts';
import { reportOf, podModel } from '../testing/model.ts';
import { Delivery, GATHER_DIRECTORY_MS, GATHER_MS } from './delivery.ts';
import { DirectoryHistory } from './directoryHistory.ts';
import { Lines } from './lines.ts';
import { TestSource } from './testing/source.ts';

type Entries = Record<string, { addresses: string[]; identities: string[] }>;

const directoryOf = (entries: Entries): CompiledDirectory => ({
  hash: documentHash(JSON.stringify(entries)),
  services: new Map(
    Object.entries(entries).map(([name, entry]) => {
      const text = JSON.stringify({ name, ...entry });
      return [name, { hash: documentHash(text), text }];
    }),
  ),
  outside: undefined,
});
const first = directoryOf({ 'shop/a': { addresses: ['10.0.0.1'], identities: ['x'] } });
const identities = directoryOf({ 'shop/a': { addresses: ['10.0.0.1'], identities: ['x', 'y'] } });
const addresses = directoryOf({ 'shop/a': { addresses: ['10.0.0.1', '10.0.0.2'], identities: ['x', 'y'] } });
const services = directoryOf({
  'shop/a': { addresses: ['10.0.0.1', '10.0.0.2'], identities: ['x', 'y'] },
  'shop/b': { addresses: ['10.0.0.3'], identities: ['x'] },
});

it('knows additions from all else, over all that a proxy has missed', () => {
  const history = new DirectoryHistory();
  const steps: [CompiledDirectory, boolean][] = [
    [identities, false],
    [addresses, true],
    [services, true],
    [addresses, false],
  ];
  let before = first;
  history.observe('shop', before);
  for (const [next, adds] of steps) {
    history.observe('shop', next);
    expect(history.adds('shop', before.hash)).toBe(adds);
    before = next;
  }
  expect(history.adds('shop', first.hash)).toBe(true);
  expect(history.adds('shop', 'unknown')).toBe(true);
});

it('has additions sent as soon as changes of documents are, and the rest gathered', () => {
  const clock = new ManualClock();
  const source = new TestSource();
  const lines = new Lines(source);
  const sent: string[] = [];
  const delivery = new Delivery({
    workload: 'deployment/shop/cart',
    namespace: 'shop',
    source,
    lines,
    clock,
    outlet: {
      update: () => undefined,
      directory: (line) => sent.push((JSON.parse(line.toString()) as { hash: string }).hash),
    },
  });
  const set = (directory: CompiledDirectory): void => {
    source.setDirectory('shop', directory);
    lines.observe('shop');
    delivery.changed(clock.monotonic());
    clock.advance(GATHER_MS);
    if (sent.length > 0) delivery.directoryFlushed();
  };
  set(first);
  const has = { parts: {}, services: {} };
  delivery.state({ type: 'state', report: reportOf(podModel('cart-1')), has, used: [] });
  delivery.directoryFlushed();
  set(identities);
  expect(sent).toEqual([first.hash]);
  clock.advance(GATHER_DIRECTORY_MS);
  delivery.directoryFlushed();
  expect(sent).toEqual([first.hash, identities.hash]);
  set(services);
  expect(sent).toEqual([first.hash, identities.hash, services.hash]);
});
