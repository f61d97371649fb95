/** Any history of a mesh: what is compiled step by step is what is compiled from scratch, and nothing else is named. */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildSnapshot, SnapshotBuilder, type Manifest } from '../../sources/index.ts';
import { rawKey } from '../../sources/objects.ts';
import {
  account,
  hash,
  meshConfig,
  namespace,
  objectsOf,
  ofDeployment,
  pod,
  policy,
  replicaSet,
  service,
  settings,
  slice,
  workload,
} from '../../sources/testing/mesh.ts';
import type { Snapshot } from '../model/index.ts';
import { parseDirectory, parseProxyConfig } from '../proxyConfig/index.ts';
import { Identities } from './identities.ts';
import { Compiler, configText, directoryText, type CompiledDocument } from './index.ts';

const NAMESPACES = ['bank', 'shop'];
const NAMES = ['a', 'b'];
const KEYS = NAMESPACES.flatMap((namespace) => NAMES.map((name) => `${namespace}/${name}`));
const WORKLOADS = NAMESPACES.flatMap((namespace) => [
  ...NAMES.map((name) => `deployment/${namespace}/${name}`),
  `serviceaccount/${namespace}/a`,
]);

type Step = { put: Manifest } | { remove: string } | { use: string; services: readonly string[] };

const anyNamespace = fc.constantFrom(...NAMESPACES);
const anyName = fc.constantFrom(...NAMES);
const anyLabels = fc.constantFrom<Record<string, string>>(
  { app: 'a' },
  { app: 'b' },
  { app: 'a', v: '2' },
  {},
);
const anyMode = fc.constantFrom('Strict', 'Permissive', 'Disabled');

const anyPod = fc
  .record({
    name: anyName,
    namespace: anyNamespace,
    labels: anyLabels,
    account: anyName,
    uid: fc.constantFrom('one', 'two'),
    proxy: fc.constantFrom(false, true, { wires: ['weft/1', 'weft-tcp/1'] }),
    phase: fc.constantFrom('Running', 'Running', 'Pending', 'Failed'),
    deleted: fc.boolean(),
    owner: fc.option(anyName.map(ofDeployment), { nil: undefined }),
  })
  .map(({ name, owner, ...rest }) => pod(name, { ...rest, ...(owner ? { owner } : {}) }));

const anySlice = fc
  .record({
    service: anyName,
    namespace: anyNamespace,
    suffix: fc.constantFrom('x', 'y'),
    pods: fc.uniqueArray(anyName),
    ready: fc.boolean(),
    podUid: fc.constantFrom('one', 'two'),
  })
  .map(({ service, namespace, suffix, pods, ready, podUid }) =>
    slice(
      service,
      pods.map((name) => ({ address: `10.1.0.${name}`, pod: name, ready, podUid })),
      { namespace, suffix },
    ),
  );

const anyService = fc
  .record({
    name: anyName,
    namespace: anyNamespace,
    selector: anyLabels,
    ip: fc.constantFrom('10.96.0.1', 'None'),
    ports: fc.constantFrom<NonNullable<Parameters<typeof service>[1]>['ports'] & object>(
      [{ name: 'http', port: 80 }],
      [{ name: 'http', port: 8080, appProtocol: 'tcp' }],
      [],
    ),
    visibleTo: fc.constantFrom(undefined, undefined, '*', '.', 'bank', 'what?'),
  })
  .map(({ name, visibleTo, ...rest }) => service(name, { ...rest, ...(visibleTo ? { visibleTo } : {}) }));

const anyPolicy = fc
  .record({
    name: anyName,
    namespace: fc.constantFrom(...NAMESPACES, 'weft-system'),
    mode: fc.constantFrom('Enforce', 'Shadow'),
    mtls: anyMode,
    selector: fc.option(anyLabels, { nil: undefined }),
  })
  .map(({ name, namespace, mtls, selector, mode }) =>
    policy(
      name,
      { mode, mtls: { mode: mtls }, ...(selector ? { selector: { matchLabels: selector } } : {}) },
      { namespace },
    ),
  );

const anyConfig = fc
  .record({
    trustDomain: fc.constantFrom('cluster.local', 'cluster.local', 'mesh.example'),
    outbound: fc.constantFrom('AllowAny', 'RegistryOnly'),
    visibility: fc.constantFrom('Mesh', 'Namespace'),
  })
  .map(({ trustDomain, outbound, visibility }) =>
    meshConfig({ trustDomain, outbound: { default: outbound }, visibility: { default: visibility } }),
  );

const anyManifest: fc.Arbitrary<Manifest> = fc.oneof(
  { arbitrary: anyPod, weight: 4 },
  { arbitrary: anySlice, weight: 4 },
  { arbitrary: anyService, weight: 3 },
  { arbitrary: anyPolicy, weight: 4 },
  {
    arbitrary: fc
      .tuple(anyName, anyNamespace, anyLabels, anyName)
      .map(([name, namespace, labels, account]) => workload(name, { namespace, labels, account })),
    weight: 2,
  },
  fc.tuple(anyNamespace, fc.boolean()).map(([name, enabled]) => namespace(name, enabled)),
  fc.tuple(anyName, anyNamespace).map(([name, namespace]) => replicaSet(name, namespace)),
  fc.tuple(anyName, anyNamespace).map(([name, namespace]) => account(name, namespace)),
  { arbitrary: anyConfig, weight: 2 },
);

const keyOf = ({ kind, object }: Manifest) => `${kind}/${rawKey(object)}`;

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: anyManifest.map((put) => ({ put })), weight: 6 },
  { arbitrary: anyManifest.map((manifest) => ({ remove: keyOf(manifest) })), weight: 2 },
  {
    arbitrary: fc
      .tuple(fc.constantFrom(...WORKLOADS), fc.uniqueArray(fc.constantFrom(...KEYS)))
      .map(([use, services]) => ({ use, services })),
    weight: 1,
  },
);

/** From the first moment on there is something to change. */
const BEGINNING: readonly Manifest[] = NAMESPACES.flatMap((at) => [
  meshConfig({}),
  policy('a', { mtls: { mode: 'Strict' }, selector: { matchLabels: { app: 'a' } } }, { namespace: at }),
  namespace(at),
  account('a', at),
  ...NAMES.flatMap((name) => [
    workload(name, { namespace: at, labels: { app: name }, account: name }),
    replicaSet(name, at),
    service(name, { namespace: at }),
    pod(name, { namespace: at, labels: { app: name }, account: name, uid: 'one', owner: ofDeployment(name) }),
    slice(name, [{ address: `10.1.0.${name}`, pod: name, podUid: 'one' }], { namespace: at }),
  ]),
]);

/** What there is to say of a document, and to whom it belongs. */
const meaning = ({ workload, hash, resources, parts, services }: CompiledDocument) => ({
  owner: [workload.apiVersion, workload.kindName, workload.uid],
  hash,
  resources,
  parts,
  services: [...services],
});

const everything = (compiler: Compiler) => ({
  documents: Object.fromEntries(
    [...compiler.documents].map(([key, document]) => [key, meaning(document)]).sort(),
  ),
  directories: NAMESPACES.map((namespace) => {
    const { hash, services, outside } = compiler.directory(namespace);
    return [namespace, hash, [...services], outside && [...outside]];
  }),
  available: NAMESPACES.map((namespace) => KEYS.map((key) => compiler.availability(namespace, key))),
});

/** A mesh that steps change, and all that compiling it must keep to. */
class World {
  readonly manifests = new Map<string, Manifest>(BEGINNING.map((each) => [keyOf(each), each]));
  readonly used = new Map<string, readonly string[]>();
  readonly #builder = new SnapshotBuilder(settings);
  #revision = 0;
  #generation = 1;

  snapshot(): Snapshot {
    this.#revision += 1;
    return this.#builder.build(objectsOf([...this.manifests.values()]), `${this.#revision}`);
  }

  /** Objects that were never seen before, in the other order. */
  fromScratch(): Compiler {
    const manifests = structuredClone([...this.manifests.values()].reverse());
    const compiler = new Compiler({ hash });
    for (const [key, services] of this.used) compiler.use(key, new Set(services));
    compiler.take(buildSnapshot(objectsOf(manifests), settings));
    return compiler;
  }

  step(step: Step): void {
    if ('put' in step) this.manifests.set(keyOf(step.put), this.#nextGeneration(step.put));
    else if ('remove' in step) this.manifests.delete(step.remove);
    else this.used.set(step.use, step.services);
  }

  /** As the API server gives it: another spec never has the generation of one before it. */
  #nextGeneration({ kind, object }: Manifest): Manifest {
    this.#generation += 1;
    return { kind, object: { ...object, metadata: { ...object.metadata, generation: this.#generation } } };
  }
}

/** The names of those that are other values than before. */
function othersOf<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}

const directoriesOf = (compiler: Compiler) =>
  new Map(
    [...compiler.documents.values()].map(({ workload: { namespace } }) => [
      namespace,
      compiler.directory(namespace),
    ]),
  );

/** Compiles one more step, and looks at what it says to have changed. */
function advance(world: World, compiler: Compiler, step: Step): void {
  const documents = new Map(compiler.documents);
  const directories = directoriesOf(compiler);
  world.step(step);
  const changes =
    'use' in step ? compiler.use(step.use, new Set(step.services)) : compiler.take(world.snapshot());
  expect([...changes.documents].sort()).toEqual(othersOf(documents, compiler.documents));
  expect([...changes.directories].sort()).toEqual(othersOf(directories, directoriesOf(compiler)));
  const same = [...changes.documents].filter((key) => {
    const [before, after] = [documents.get(key), compiler.documents.get(key)];
    return before && after && isDeepStrictEqual(meaning(before), meaning(after));
  });
  expect(same).toEqual([]);
}

describe('compiling step by step', () => {
  it('gives what compiling from scratch does, and names exactly what it changed', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 25 }), (steps) => {
        const world = new World();
        const [compiler, identities] = [new Compiler({ hash }), new Identities()];
        compiler.take(world.snapshot());
        for (const step of steps) {
          advance(world, compiler, step);
          expect(everything(compiler)).toEqual(everything(world.fromScratch()));
          expect(identities.of(world.snapshot())).toEqual(new Identities().of(world.snapshot()));
        }
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  it('gives the same to who saw all steps and to who saw some, as texts that proxies read', () => {
    const anySteps = fc.array(fc.record({ step: anyStep, seen: fc.boolean() }), {
      minLength: 1,
      maxLength: 25,
    });
    fc.assert(
      fc.property(anySteps, (steps) => {
        const world = new World();
        const [all, some] = [new Compiler({ hash }), new Compiler({ hash })];
        for (const { step, seen } of steps) {
          world.step(step);
          for (const compiler of seen ? [all, some] : [all]) {
            if ('use' in step) compiler.use(step.use, new Set(step.services));
            else compiler.take(world.snapshot());
          }
        }
        const last = world.snapshot();
        for (const compiler of [all, some]) {
          for (const [key, services] of world.used) compiler.use(key, new Set(services));
          compiler.take(last);
        }
        expect(everything(some)).toEqual(everything(all));
        const position = { epoch: 1, revision: '7' };
        for (const document of all.documents.values()) {
          expect(parseProxyConfig(configText(document, position), hash).hash).toBe(document.hash);
        }
        for (const directory of NAMESPACES.map((namespace) => all.directory(namespace))) {
          expect(parseDirectory(directoryText(directory, position), hash).hash).toBe(directory.hash);
        }
      }),
      { numRuns: 100 },
    );
  }, 120_000);
});
