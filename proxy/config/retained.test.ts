import { expect, it } from 'vitest';
import type { Log } from '../context.ts';
import { keptFor } from '../testing/retained.ts';
import { ConfigCore } from './core.ts';
import { directoryMessage, directoryOf, documentOf, listed, serviceOf, updateOf } from './testing/mesh.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const SERVICES = 1000;

const services = Array.from({ length: SERVICES }, (_, n) =>
  serviceOf(`service-${n}`, { namespace: 'bank', address: `10.96.${n >> 8}.${n & 255}` }),
);
const directory = directoryOf({ services: services.map(listed) });
const document = documentOf({ services: services.slice(0, 5) });

/** As a proxy has it that calls five services of a mesh of a thousand. */
function proxy(): ConfigCore {
  const core = new ConfigCore({ log });
  core.files({ config: undefined, directory: JSON.stringify(directory), labels: 'app="cart"\n' });
  core.update(structuredClone(updateOf(document, core.has())));
  return core;
}

it('what a proxy does not call costs it well under a kilobyte for each service', async () => {
  const cores: ConfigCore[] = [];
  const kept = await keptFor(8, async () => void cores.push(proxy()));
  expect(kept.heap).toBeLessThan(SERVICES * 0.9);
  expect(kept.buffers).toBeLessThan(8);
  expect(cores[0]!.config.current!.directory!.services.byKey.size).toBe(SERVICES);
});

it('a directory that changes all the time does not grow', async () => {
  const core = proxy();
  let before = directory;
  const kept = await keptFor(4, async (round) => {
    for (let turn = 0; turn < 20; turn++) {
      const identities = [`spiffe://cluster.local/ns/bank/sa/${round}-${turn}`];
      const changed = directory.services.map((service, n) =>
        n % 20 === turn ? { ...service, identities } : service,
      );
      const after = directoryOf({ services: changed });
      expect(core.directory(directoryMessage(after, before))).toBe(true);
      before = after;
    }
  });
  expect(kept.heap).toBeLessThan(SERVICES * 0.1);
});
