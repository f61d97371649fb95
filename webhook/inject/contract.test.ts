/** What injection sets is what proxy and init read: every golden pod's environment goes through their own readers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { readEnvironment } from '../../proxy/env.ts';
import { readInitEnvironment } from '../../proxy/init/env.ts';
import type { Container, Pod, Probe } from './types.ts';
import { mounts } from './volumes.ts';

const folder = join(import.meta.dirname, 'testing/golden');
const pods = readdirSync(folder)
  .filter((file) => file.endsWith('.golden.yaml'))
  .map((file) => ({ file, pod: load(readFileSync(join(folder, file), 'utf8')) as Pod }));

const downward: Record<string, string> = {
  'metadata.name': 'cart-1',
  'metadata.namespace': 'shop',
  'metadata.uid': '0b1f',
  'status.podIPs': '10.244.1.7,fd00::7',
  'spec.nodeName': 'node1',
  'spec.serviceAccountName': 'cart',
};

/** As kubelet makes it: downward values put in, `$$` turned to `$`. */
function environment({ env = [] }: Container): Record<string, string> {
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }) => {
      const path = (valueFrom as { fieldRef?: { fieldPath: string } } | undefined)?.fieldRef?.fieldPath;
      return [name, path === undefined ? (value ?? '').replaceAll('$$', () => '$') : downward[path]!];
    }),
  );
}

const byName = (pod: Pod, name: string) =>
  pod.spec.initContainers!.find((container) => container.name === name)!;

/** Paths that kubelet will ask for at the health port. */
const probedPaths = ({ spec }: Pod): string[] =>
  [...spec.containers, ...(spec.initContainers ?? [])]
    .flatMap(({ livenessProbe, readinessProbe, startupProbe }) => [
      livenessProbe,
      readinessProbe,
      startupProbe,
    ])
    .filter((probe): probe is Probe => probe?.httpGet?.port === 15021)
    .map(({ httpGet }) => httpGet!.path!)
    .filter((path) => path.startsWith('/app-health/'));

describe.each(pods)('$file', ({ pod }) => {
  const proxy = readEnvironment(environment(byName(pod, 'weft-proxy')));

  test('the proxy reads its environment, and knows every probe that kubelet will ask for', () => {
    expect(proxy.pod).toEqual({
      name: 'cart-1',
      namespace: 'shop',
      uid: '0b1f',
      ips: ['10.244.1.7', 'fd00::7'],
      node: 'node1',
      serviceAccount: 'cart',
    });
    expect(proxy.control).toEqual({ host: 'weft-operator.weft-system.svc', port: 15010 });
    expect([...proxy.probes.keys()].sort()).toEqual(probedPaths(pod).sort());
  });

  test('every folder it reads is mounted', () => {
    const mounted = new Set(
      (byName(pod, 'weft-proxy')['volumeMounts'] as { mountPath: string }[]).map((m) => m.mountPath),
    );
    for (const path of [
      proxy.configDir,
      proxy.directoryDir,
      proxy.identityDir,
      proxy.podInfoDir,
      proxy.runDir,
    ]) {
      expect(mounted).toContain(path);
    }
  });

  test('init reads its environment', () => {
    const init = readInitEnvironment(environment(byName(pod, 'weft-init')));
    expect([init.outboundPort, init.inboundPort]).toEqual([proxy.ports.outbound, proxy.ports.inbound]);
  });
});

test('settings of annotations arrive', () => {
  const { pod } = pods.find(({ file }) => file === 'annotations.golden.yaml')!;
  const init = readInitEnvironment(environment(byName(pod, 'weft-init')));
  expect(init.excludeInboundPorts).toEqual([9090, 9091]);
  expect(init.excludeOutboundPorts).toEqual([5432]);
  expect(init.excludeOutboundCidrs).toHaveLength(3);
  const proxy = readEnvironment(environment(byName(pod, 'weft-proxy')));
  expect(proxy).toMatchObject({ logLevel: 'Debug', drainMs: 50_000 });
});

test('no two mounts share a path', () => {
  const paths = Object.values(mounts).map(({ mountPath }) => mountPath);
  expect(new Set(paths).size).toBe(paths.length);
});
