import { expect, it } from 'vitest';
import { requestIds } from './requestIds.ts';

it('request ids are UUIDs in form, and never the same', () => {
  const [one, two] = [requestIds(), requestIds()];
  const ids = Array.from({ length: 1000 }, () => [one(), two()]).flat();
  expect(new Set(ids).size).toBe(2000);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  const last = requestIds((size) => Buffer.alloc(size, 0xff));
  for (let count = 0; count < 10; count++) expect(last()).toHaveLength(36);
});
