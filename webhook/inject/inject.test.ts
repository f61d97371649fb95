import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { applyPatch, type Operation as JsonPatchOperation } from 'fast-json-patch';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WEFT_VERSION } from '../../core/proxyConfig/index.ts';
import {
  injectPod,
  parseKubernetesVersion,
  tooOld,
  type Container,
  type ContainerPort,
  type EnvVar,
  type Volume,
  type Pod,
  type Probe,
} from './index.ts';
import { MEMORY } from './memory.ts';
import { probesVariable, readProbesVariable } from './probes.ts';
import { contextOf } from './testing/context.ts';

const context = contextOf();
const apply = (pod: Pod): Pod => {
  const result = injectPod(pod, context);
  if (result.outcome !== 'injected') throw new Error(JSON.stringify(result));
  return applyPatch(pod, result.patch as JsonPatchOperation[], true, false).newDocument;
};
const proxyOf = (pod: Pod) => pod.spec.initContainers?.find(({ name }) => name === 'weft-proxy');

const port = fc.oneof(fc.integer({ min: 1, max: 14999 }), fc.constantFrom('http', 'admin', '8080', 'absent'));
const probe: fc.Arbitrary<Probe> = fc
  .tuple(
    fc.oneof(
      fc.record({
        httpGet: fc.record({ port, path: fc.string(), scheme: fc.constantFrom('HTTP', 'HTTPS') }),
      }),
      fc.record({ tcpSocket: fc.record({ port }) }),
      fc.record({ grpc: fc.record({ port: fc.integer({ min: 1, max: 14999 }), service: fc.string() }) }),
      fc.constant({ exec: { command: ['true'] } }),
    ),
    fc.record(
      {
        periodSeconds: fc.nat(),
        failureThreshold: fc.nat(),
        timeoutSeconds: fc.integer({ min: 1, max: 60 }),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([handler, rest]) => ({ ...handler, ...rest }));
const container = (name: string): fc.Arbitrary<Container> =>
  fc
    .record(
      {
        livenessProbe: probe,
        readinessProbe: probe,
        startupProbe: probe,
        ports: fc.constant<ContainerPort[]>([
          { name: 'http', containerPort: 8080 },
          { name: 'admin', containerPort: 9000 },
        ]),
        restartPolicy: fc.constant('Always'),
        env: fc.constant<EnvVar[]>([{ name: 'A', value: 'b' }]),
      },
      { requiredKeys: [] },
    )
    .map((fields) => ({ name, image: `${name}:1`, ...fields }));
const labels = fc.dictionary(fc.constantFrom('app', 'a/b', 'c~d'), fc.constantFrom('x', 'y'));
const podOf = (prefix: string): fc.Arbitrary<Pod> =>
  fc.record({
    metadata: fc.record({ name: fc.constant('p'), labels, annotations: labels }, { requiredKeys: [] }),
    spec: fc.record(
      {
        containers: fc.tuple(container(`${prefix}a`), container(`${prefix}b`)),
        initContainers: fc.tuple(container(`${prefix}i`)),
        volumes: fc.constant<Volume[]>([{ name: 'data', emptyDir: {} }]),
      },
      { requiredKeys: ['containers'] },
    ),
  });

const withoutHandlers = (item: Container): object =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => {
      if (!name.endsWith('Probe')) return [name, value];
      const { httpGet: _h, tcpSocket: _t, grpc: _g, ...rest } = value as Probe;
      return [name, rest];
    }),
  );

describe('injectPod', () => {
  test('applied twice is applied once, and nothing else of the user changes', () => {
    fc.assert(
      fc.property(podOf(''), (pod) => {
        const original = structuredClone(pod);
        const once = apply(pod);
        expect(pod).toEqual(original);
        expect(injectPod(once, context)).toMatchObject({ outcome: 'skipped', reason: 'AlreadyInjected' });
        expect(once.spec.containers.map(withoutHandlers)).toEqual(pod.spec.containers.map(withoutHandlers));
        const [init, proxy, ...users] = once.spec.initContainers!;
        expect([init!.name, proxy!.name]).toEqual(['weft-init', 'weft-proxy']);
        expect(users.map(withoutHandlers)).toEqual((pod.spec.initContainers ?? []).map(withoutHandlers));
        expect(once.spec.volumes!.slice(0, pod.spec.volumes?.length ?? 0)).toEqual(pod.spec.volumes ?? []);
      }),
      { numRuns: 300 },
    );
  });

  test('containers that another webhook adds later get their probes rewritten, and only that', () => {
    fc.assert(
      fc.property(podOf(''), podOf('late-'), (pod, late) => {
        const once = apply(pod);
        const both: Pod = structuredClone(once);
        both.spec.containers.push(...late.spec.containers);
        both.spec.initContainers!.push(...(late.spec.initContainers ?? []));
        const again = injectPod(both, context);
        const patched =
          again.outcome === 'injected'
            ? applyPatch(both, again.patch as JsonPatchOperation[], true, false).newDocument
            : both;
        const together: Pod = structuredClone(pod);
        together.spec.containers.push(...late.spec.containers);
        if (pod.spec.initContainers || late.spec.initContainers) {
          together.spec.initContainers = [
            ...(pod.spec.initContainers ?? []),
            ...(late.spec.initContainers ?? []),
          ];
        }
        const atOnce = apply(together);
        expect(readProbesVariable(proxyOf(patched))).toEqual(readProbesVariable(proxyOf(atOnce)));
        expect(patched.spec.containers).toEqual(atOnce.spec.containers);
        expect(injectPod(patched, context)).toMatchObject({ reason: 'AlreadyInjected' });
      }),
      { numRuns: 200 },
    );
  });

  test('a proxy that another webhook dropped is put back after weft-init', () => {
    const pod = apply({ spec: { containers: [{ name: 'app' }] } });
    pod.spec.initContainers = [...pod.spec.initContainers!.slice(0, 1), { name: 'theirs' }];
    expect(apply(pod).spec.initContainers!.map(({ name }) => name)).toEqual([
      'weft-init',
      'weft-proxy',
      'theirs',
    ]);
  });

  test('a volume that is missing is put back', () => {
    const pod = apply({ spec: { containers: [{ name: 'app' }] } });
    pod.spec.volumes!.splice(2, 1);
    const result = injectPod(pod, context);
    expect(result).toMatchObject({
      patch: [{ op: 'add', path: '/spec/volumes/-', value: { name: 'weft-identity' } }],
    });
  });
});

describe('WEFT_PROBES', () => {
  /** What kubelet makes of a variable's value (Kubernetes: "Define dependent environment variables"). */
  const expand = (value: string) =>
    value.replaceAll(/\$\$|\$\([A-Z_]+\)/g, (found) => (found === '$$' ? '$' : 'EXPANDED'));

  test('reaches the proxy as it was written, whatever kubelet would expand', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('$', '$$', '$(HOSTNAME)', '(', ')', 'x', '"', '\\')), (parts) => {
        const forwarded = {
          '/app-health/a/livez': { httpGet: { port: 1, path: parts.join('') }, timeoutSeconds: 1 },
        };
        const variable = probesVariable(forwarded)!;
        expect(JSON.parse(expand(variable.value!))).toEqual(forwarded);
        expect(readProbesVariable({ name: 'weft-proxy', env: [variable] })).toEqual(forwarded);
      }),
    );
  });

  test.each(['', '{', '[]', 'null', '3'])('%j of a foreign hand counts as none', (value) => {
    expect(readProbesVariable({ name: 'weft-proxy', env: [{ name: 'WEFT_PROBES', value }] })).toEqual({});
  });
});

test('what is set for memory is what Node takes, and bounds the heap', () => {
  const script =
    'console.log(v8.getHeapStatistics().heap_size_limit, typeof gc, process.constrainedMemory())';
  const printed = execFileSync(process.execPath, ['-e', script], { env: MEMORY, encoding: 'utf8' });
  const [heap, gc, constrained] = printed.trim().split(' ');
  expect(gc).toBe('function');
  const memory = Math.min(Number(constrained) || Infinity, totalmem());
  // three halves of the young generation come on top of the share
  expect(Number(heap) / (memory * 0.6 + 6 * 2 ** 20)).toBeCloseTo(1, 1);
});

test('versions of Kubernetes', () => {
  expect(parseKubernetesVersion({ major: '1', minor: '29+' })).toEqual({ major: 1, minor: 29 });
  expect(parseKubernetesVersion({})).toBeUndefined();
  expect(tooOld({ major: 1, minor: 28 })?.code).toBe('CLUSTER_TOO_OLD');
  expect(tooOld({ major: 1, minor: 29 })).toBeUndefined();
  expect(tooOld({ major: 2, minor: 0 })).toBeUndefined();
});

test('the stamped version is that of the package', () => {
  const file = join(import.meta.dirname, '../../package.json');
  expect((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version).toBe(WEFT_VERSION);
});
