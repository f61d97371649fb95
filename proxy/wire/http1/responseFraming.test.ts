import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh } from '../../../certs/testing/pki.ts';
import { ask, isRefused, MARKER, ScriptedApplication, type Answer } from '../../testing/answers.ts';
import { TestMeshOfTwo, type ProxyOfServer } from '../../testing/mesh.ts';
import { responseCorpus } from './testing/responseCorpus.ts';

let mesh: TestMeshOfTwo;
let application: ScriptedApplication;
let applicationPort: number;
let proxy: ProxyOfServer;

beforeAll(async () => {
  const authority = await createTestMesh();
  mesh = new TestMeshOfTwo((account) => authority.workload('shop', account));
  application = new ScriptedApplication();
  applicationPort = await application.listen();
  proxy = await mesh.server(applicationPort, { protocols: { '8080': 'Http' } });
});

afterAll(async () => {
  await mesh.stop();
  await application.close();
});

describe('a response that is passed on', () => {
  it.each(responseCorpus)('is what node:http takes it for: $name', async (example) => {
    application.current = example;
    const asked = { method: example.method, path: `/case/${responseCorpus.indexOf(example)}` };
    const [through, direct] = await Promise.all([ask(proxy.port, asked), ask(applicationPort, asked)]);
    if (isRefused(through.answer)) return;
    expect(through.next).toMatchObject({ status: 200, body: MARKER });
    const { status, body } = through.answer as Exclude<Answer, 'refused'>;
    const taken = await proxy.plane.telemetry.told(asked.path);
    expect([status, body.length]).toEqual([taken.status, taken.responseBytes]);
    // who refuses what we pass on has not read it in another way
    expect(isRefused(direct.answer) ? through.answer : direct.answer).toEqual(through.answer);
  });

  it('is every one that has one reading', async () => {
    for (const name of [
      'a length',
      'chunks',
      'no framing, then the end',
      '100 before',
      '204 with a length',
    ]) {
      application.current = responseCorpus.find((example) => example.name === name)!;
      const { answer } = await ask(proxy.port);
      expect(isRefused(answer)).toBe(false);
    }
  });
});
