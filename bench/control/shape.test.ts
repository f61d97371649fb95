import { expect, test } from 'vitest';
import { FULL, namespacesOf, servicesOf, usedBy } from './shape.ts';

test('the full mesh: every service has its share of endpoints and proxies, every address is of one pod', () => {
  const services = servicesOf(FULL);
  const pods = services.flatMap((service) => service.pods);
  expect(services).toHaveLength(1000);
  expect(pods).toHaveLength(10_000);
  expect(new Set(pods.map(({ address }) => address)).size).toBe(10_000);
  expect(services.every((service) => service.pods.filter(({ hasProxy }) => hasProxy).length === 2)).toBe(
    true,
  );
  expect(namespacesOf(FULL)).toHaveLength(50);
});

test('a service keeps its name, namespace and addresses when there are more services', () => {
  const small = servicesOf({ ...FULL, services: 100, proxies: 1000 });
  const addresses = (services: typeof small) =>
    services
      .slice(0, 100)
      .map(({ namespace, name, pods }) => [namespace, name, pods.map((pod) => pod.address)]);
  expect(addresses(small)).toEqual(addresses(servicesOf(FULL)));
});

test('services that are used are of other namespaces and never the same twice', () => {
  for (const service of [0, 49, 999]) {
    const used = usedBy(FULL, service, 5);
    expect(new Set(used).size).toBe(5);
    expect(used.some((key) => key.startsWith(`${servicesOf(FULL)[service]!.namespace}/`))).toBe(false);
  }
});

test('more proxies than pods are refused', () => {
  expect(() => servicesOf({ ...FULL, services: 100 })).toThrow('2000 proxies need more than 1000 pods');
});
