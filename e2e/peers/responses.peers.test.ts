import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh } from '../../certs/testing/pki.ts';
import { ask, isRefused, MARKER, ScriptedApplication, type Answer } from '../../proxy/testing/answers.ts';
import { TestMeshOfTwo, type ProxyOfServer } from '../../proxy/testing/mesh.ts';
import { responseCorpus } from '../../proxy/wire/http1/testing/responseCorpus.ts';
import { haproxy, nginx, type Program } from './support/programs.ts';

const SERVERS = { nginx, HAProxy: haproxy };
const ONE_READING = new Set([
  'a length',
  'chunks',
  'no framing, then the end',
  '100 before',
  'HEAD with a length',
]);
type Name = keyof typeof SERVERS;

let mesh: TestMeshOfTwo;
let folder: string;
let application: ScriptedApplication;
let proxy: ProxyOfServer;
/** Each asks us, and the application itself. */
const clients = {} as Record<Name, { ours: Program; direct: Program }>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-peers-'));
  const authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
  application = new ScriptedApplication();
  const port = await application.listen();
  proxy = await mesh.server(port, { protocols: { '8080': 'Http' } });
  for (const [name, start] of Object.entries(SERVERS) as [Name, (typeof SERVERS)[Name]][]) {
    clients[name] = { ours: await start(folder, proxy.port), direct: await start(folder, port) };
  }
});

afterAll(async () => {
  await mesh.stop();
  await Promise.all(Object.values(clients).flatMap(({ ours, direct }) => [ours.stop(), direct.stop()]));
  await application.close();
  await rm(folder, { recursive: true });
});

const essence = (answer: Answer) => (answer === 'refused' ? answer : [answer.status, answer.body]);

describe.each(Object.keys(SERVERS) as Name[])('a response that is passed on to %s', (name) => {
  it.each(responseCorpus)(
    'is what we took it for, and what it takes it for itself: $name',
    async (example) => {
      application.current = example;
      const asked = { method: example.method, path: `/case/${name}/${responseCorpus.indexOf(example)}` };
      const [through, direct] = await Promise.all([
        ask(clients[name].ours.port, asked),
        ask(clients[name].direct.port, asked),
      ]);
      if (isRefused(through.answer)) return;
      const { status, body } = through.answer as Exclude<Answer, 'refused'>;
      const taken = await proxy.plane.telemetry.told(asked.path);
      expect([status, body.length]).toEqual([taken.status, taken.responseBytes]);
      expect(essence(through.next)).toEqual([200, MARKER]);
      // who refuses what we pass on has not read it in another way
      expect(essence(isRefused(direct.answer) ? through.answer : direct.answer)).toEqual(
        essence(through.answer),
      );
    },
  );

  it('is every one that has one reading', async () => {
    for (const example of responseCorpus.filter(({ name }) => ONE_READING.has(name))) {
      application.current = example;
      const { answer, next } = await ask(clients[name].ours.port, { method: example.method });
      expect([isRefused(answer), essence(next)]).toEqual([false, [200, MARKER]]);
    }
  });
});
