/**
 * What compiling costs the operator: all of a mesh, then one change after the other.
 *
 *   node --expose-gc bench/compile.ts
 */
import { createHash } from 'node:crypto';
import { Compiler } from '../core/compile/index.ts';
import { largeMesh, withEndpoint, withPod, type LargeMesh } from '../core/compile/testing/largeMesh.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const SIZES = [
  { namespaces: 5, services: 20, endpoints: 10 },
  { namespaces: 50, services: 20, endpoints: 10 },
  { namespaces: 1, services: 1000, endpoints: 10 },
];
const WARM_UP = 300;
const CHANGES = 1_000;

function timed(work: () => unknown): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

function quantiles(change: (index: number) => LargeMesh, compiler: Compiler): string {
  const times: number[] = [];
  for (let index = 0; index < WARM_UP + CHANGES; index += 1) {
    const next = change(index);
    const took = timed(() => compiler.take(next));
    if (index >= WARM_UP) times.push(took);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => times[Math.floor(share * (times.length - 1))]!.toFixed(3);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

const heapMb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

for (const size of SIZES) {
  const { namespaces, services } = size;
  let mesh = largeMesh(size);
  const before = heapMb();
  const compiler = new Compiler({ hash });
  const all = timed(() => compiler.take(mesh));
  const name = (index: number): string => `ns-${index % namespaces}/service-${index % services}`;
  // back and forth, so that each change is one
  const odd = (index: number): boolean => Math.floor(index / (namespaces * services)) % 2 === 0;
  const endpoint = quantiles((index) => (mesh = withEndpoint(mesh, name(index), !odd(index))), compiler);
  const pod = quantiles((index) => (mesh = withPod(mesh, `${name(index)}-3`, odd(index))), compiler);
  process.stdout.write(
    `${namespaces} namespaces of ${services} services of 10 endpoints: all at once ${all.toFixed(0)} ms, ` +
      `${(heapMb() - before).toFixed(1)} MB\n  one endpoint: ${endpoint}\n  one pod: ${pod}\n`,
  );
}
