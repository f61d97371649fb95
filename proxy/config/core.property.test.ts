/** Whatever comes, in whatever order and by whichever way: what is in force is what the newest document says. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  serviceKey,
  type Directory,
  type DirectoryService,
  type Endpoint,
  type ProxyConfig,
  type Service,
} from '../../core/proxyConfig/index.ts';
import type { ConfigState, Log } from '../context.ts';
import { buildDestinations, type Destinations } from '../outbound/destinations.ts';
import { ConfigCore } from './core.ts';
import { changeOf, sourceAfter, StateKeeper, type StateChange } from './state.ts';
import { directoryMessage, directoryOf, documentOf, updateOf } from './testing/mesh.ts';
import { sectionOf } from './testing/volumes.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const LABELS = 'app="cart"\n';

/** Few, so that they meet: pods of several services, services that take each other's address over. */
const ADDRESSES = ['10.96.0.1', '10.96.0.2', '10.1.0.1', '10.1.0.2', 'fd00::1'];
const NAMES = ['a', 'b', 'c'];
const NAMESPACES = ['shop', 'bank'];
const PORTS = [80, 8080];
const HOSTS = NAMES.flatMap((name) => [
  name,
  ...NAMESPACES.flatMap((namespace) => [`${name}.${namespace}`, `${name}.${namespace}.svc.cluster.local`]),
]);

const address = fc.constantFrom(...ADDRESSES);
const port = fc.constantFrom(...PORTS);
const protocol = fc.constantFrom('Auto' as const, 'Http' as const, 'Tcp' as const);
const who = { namespace: fc.constantFrom(...NAMESPACES), name: fc.constantFrom(...NAMES) };
const identity = fc.constantFrom('spiffe://a/x', 'spiffe://a/y');
const byKey = <T extends { namespace: string; name: string }>(item: fc.Arbitrary<T>) =>
  fc.uniqueArray(item, { selector: serviceKey, maxLength: 5 });

const endpoint: fc.Arbitrary<Endpoint> = fc
  .record({
    address,
    port,
    state: fc.constantFrom('Ready' as const, 'Terminating' as const, 'Unprotected' as const),
    identity,
    meshed: fc.boolean(),
  })
  .map(({ meshed, identity, ...rest }) => ({
    ...rest,
    ...(meshed && { wire: 'weft/1' as const, identity }),
  }));

const ports = fc.uniqueArray(fc.record({ port, protocol, endpoints: fc.array(endpoint, { maxLength: 3 }) }), {
  selector: ({ port }) => port,
  minLength: 1,
  maxLength: 2,
});

const service: fc.Arbitrary<Service> = fc
  .record({ ...who, ports, addresses: fc.uniqueArray(address, { maxLength: 2 }) })
  .map(({ namespace, name, ...rest }) => ({
    hash: '',
    namespace,
    name,
    hosts: [...(namespace === 'shop' ? [name] : []), `${name}.${namespace}`, `${name}.${namespace}.svc`],
    ...rest,
  }));

const listed: fc.Arbitrary<DirectoryService> = fc
  .record({
    ...who,
    ports,
    addresses: fc.uniqueArray(address, { maxLength: 2 }),
    identity,
    hidden: fc.boolean(),
  })
  .map(({ ports, identity, hidden, ...rest }) => ({
    ...rest,
    ports: ports.map(({ port, protocol }) => ({ port, protocol })),
    identities: hidden ? [] : [identity],
    ...(hidden && { hidden }),
  }));

const content = fc.record({
  services: byKey(service),
  accessLog: fc.constantFrom('All' as const, 'Off' as const),
  closed: fc.boolean(),
  allow: fc.constantFrom('Allow' as const, 'Deny' as const),
});
const around = fc.record({
  services: byKey(listed),
  outside: fc.option(
    byKey(fc.record({ ...who, addresses: fc.array(address, { maxLength: 2 }), ports: fc.subarray(PORTS) })),
  ),
});

/** What happens: the mesh changes, then things arrive, of the newest state or of one that was before. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('change' as const), content }),
  fc.record({ kind: fc.constant('around' as const), around }),
  fc.record({
    kind: fc.constantFrom('update' as const, 'directory' as const, 'file' as const, 'directoryFile' as const),
    ago: fc.nat({ max: 3 }),
    broken: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly core = new ConfigCore({ log });
  /** A worker's, told only of changes. */
  readonly worker = new StateKeeper();
  readonly documents: ProxyConfig[] = [];
  readonly directories: Directory[] = [];
  #told: ConfigState | undefined;
  #files: { config?: string | undefined; directory?: string | undefined } = {};
  #revision = 0;

  constructor() {
    this.core.config.subscribe((state) => {
      const change = structuredClone(changeOf(this.#told, state)) as StateChange;
      this.worker.swap(sourceAfter(this.worker.config.current, change));
      this.#told = state;
    });
    this.file({});
  }

  file(files: { config?: string; directory?: string }): void {
    this.#files = { ...this.#files, ...files };
    const { config, directory } = this.#files;
    this.core.files({ config, directory, labels: LABELS });
  }

  take(step: Step): void {
    const revision = String(++this.#revision);
    if (step.kind === 'change') {
      const { services, accessLog, closed, allow } = step.content;
      const section = sectionOf({ app: 'cart' });
      section.inbound.authorization.default = allow;
      const settings = documentOf().settings;
      this.documents.push(
        documentOf({
          revision,
          services,
          telemetry: { accessLog },
          sections: [section],
          settings: closed ? { ...settings, outbound: 'RegistryOnly' } : settings,
        }),
      );
    } else if (step.kind === 'around') {
      const { services, outside } = step.around;
      this.directories.push(directoryOf({ revision, services, ...(outside && { outside }) }));
    } else this.arrive(step);
  }

  private arrive({ kind, ago, broken }: Extract<Step, { ago: number }>): void {
    const document = this.documents.at(-1 - ago);
    const directory = this.directories.at(-1 - ago);
    const hash = 'not that of the content';
    if (kind === 'update' && document) {
      const message = updateOf(document, this.core.has());
      this.core.update(broken ? { ...message, hash } : message);
    } else if (kind === 'directory' && directory) {
      const held = this.core.has().directory;
      const before = this.directories.find((known) => known.hash === held);
      const message = directoryMessage(directory, before);
      this.core.directory(broken ? { ...message, hash } : message);
    } else if (kind === 'file' && document)
      this.file({ config: JSON.stringify(broken ? { ...document, hash } : document) });
    else if (kind === 'directoryFile' && directory)
      this.file({ directory: JSON.stringify(broken ? { ...directory, hash } : directory) });
  }
}

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, part: unknown) => (part instanceof Set ? [...part] : part)) ?? 'null');

/** All that can be found. */
function found(destinations: Destinations): unknown {
  const byAddress = [...ADDRESSES, '192.0.2.1'].flatMap((at) =>
    [...PORTS, 443].map((port) => destinations.resolve(at, port)),
  );
  const byHost = HOSTS.flatMap((host) => [
    destinations.resolveHost(host),
    ...PORTS.map((port) => destinations.resolveHost(host, port)),
  ]);
  const targets = [...byAddress, ...byHost].flatMap((one) =>
    one === undefined || one.kind === 'outside' ? [] : [...one.ready, ...one.terminating],
  );
  for (const { key } of targets) expect(destinations.has(key)).toBe(true);
  expect(destinations.has('shop/none:80|10.1.0.1:80|plain')).toBe(false);
  return plain([byAddress, byHost]);
}

function expectWhole({ document, services, directory, section, destinations }: ConfigState): void {
  const list = [...services.values()];
  const anew = buildDestinations(
    { settings: document.settings, services: list },
    directory && directoryOf(directory.toJSON()),
  );
  expect(found(destinations)).toEqual(found(anew));
  expect(documentOf({ ...document, services: list }).hash).toBe(document.hash);
  expect(document.sections).toContain(section);
}

it('is the same as if it were built from the newest document alone', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), content, around, (steps, last, lastAround) => {
      const world = new World();
      const { core, worker } = world;
      for (const step of steps) {
        world.take(step);
        const { current } = core.config;
        if (!current) continue;
        expectWhole(current);
        expectWhole(worker.config.current!);
        expect(worker.config.current!.document).toEqual(current.document);
        expect(plain(worker.config.current!.directory)).toEqual(plain(current.directory));
      }
      // a stream that is up, at the end
      world.take({ kind: 'change', content: last });
      world.take({ kind: 'around', around: lastAround });
      world.take({ kind: 'directory', ago: 0, broken: false });
      world.take({ kind: 'update', ago: 0, broken: false });
      const [document, directory] = [world.documents.at(-1)!, world.directories.at(-1)!];
      const state = core.config.current!;
      expect(state.document.hash).toBe(document.hash);
      expect(plain(state.directory)).toMatchObject({ services: directory.services });
      expect(found(state.destinations)).toEqual(found(buildDestinations(document, directory)));
      expect(core.refusals.get('config')).toBeUndefined();
    }),
    { numRuns: 100 },
  );
});
