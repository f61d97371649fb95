import { afterAll, beforeAll, expect, test } from 'vitest';
import { resources } from '../../kube/index.ts';
import { startApiServer, type ApiServer } from '../../kube/testing/apiServer.ts';
import { podModel } from '../../sources/models.ts';
import type { RawPod } from '../../sources/objects.ts';
import { populate } from './populate.ts';
import { namespacesOf, type MeshSize } from './shape.ts';

const SIZE: MeshSize = { namespaces: 2, services: 4, endpoints: 3, proxies: 6 };
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer({ namespaces: namespacesOf(SIZE) });
});
afterAll(() => server.close());

const run = (size: MeshSize) => populate(server.client(), size, () => {});
const proxies = () =>
  server.objects.list(resources.pods).filter((pod) => {
    const workload = { kind: 'deployment', namespace: '', name: '' };
    return podModel(pod as unknown as RawPod, workload, undefined).proxy?.started;
  });
const writes = () => server.requests.filter(({ verb }) => ['create', 'update', 'delete'].includes(verb));

test('an empty cluster gets all of it, with proxies as sources see them', async () => {
  const { uids } = await run(SIZE);
  expect(server.objects.list(resources.pods)).toHaveLength(12);
  expect(uids.size).toBe(12);
  expect(proxies()).toHaveLength(6);
  const [slice] = server.objects.list(resources.endpointSlices);
  expect(slice?.endpoints?.map(({ targetRef }) => targetRef?.uid)).toEqual(
    [0, 1, 2].map((pod) => uids.get(`bench-00/service-0000-bench-${pod}`)),
  );
});

test('what is there already is left as it is', async () => {
  server.requests.length = 0;
  await run(SIZE);
  expect(writes()).toEqual([]);
});

test('another size takes away, adds, and makes pods anew whose proxy comes or goes', async () => {
  const { uids } = await run({ ...SIZE, services: 3, proxies: 9 });
  expect(server.objects.list(resources.services)).toHaveLength(3);
  expect(proxies()).toHaveLength(9);
  for (const slice of server.objects.list(resources.endpointSlices))
    for (const { targetRef } of slice.endpoints ?? [])
      expect(targetRef?.uid).toBe(uids.get(`${targetRef?.namespace}/${targetRef?.name}`));
});
