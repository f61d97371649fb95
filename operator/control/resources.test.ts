import { expect, it } from 'vitest';
import { boundedResources, MAX_RESOURCES } from './resources.ts';

it('are cut where reports end, and the same value for the same', () => {
  const few = { 'MeshPolicy/shop/p': { uid: 'p', generation: 1 } };
  expect(boundedResources(few)).toBe(few);
  const many = Object.fromEntries(
    Array.from({ length: MAX_RESOURCES + 1 }, (_, index) => [
      `MeshPolicy/shop/p${index}`,
      few['MeshPolicy/shop/p'],
    ]),
  );
  expect(Object.keys(boundedResources(many))).toHaveLength(MAX_RESOURCES);
  expect(boundedResources(many)).toBe(boundedResources(many));
});
