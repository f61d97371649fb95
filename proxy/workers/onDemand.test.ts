import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { ProxyMessage } from '../../core/control/index.ts';
import { directoryOf, documentOf, listed, serviceOf, updateOf } from '../config/testing/mesh.ts';
import { startTestOperator, type TestOperator } from '../config/testing/operator.ts';
import { eventually } from '../config/testing/volumes.ts';
import { ProxyFixture } from '../testing/proxyFixture.ts';

let mesh: TestMesh;
let fixture: ProxyFixture;
let operator: TestOperator;

beforeEach(async () => {
  mesh = await createTestMesh();
  fixture = await ProxyFixture.create((account) => mesh.workload('shop', account));
  const id = 'spiffe://cluster.local/ns/weft-system/sa/weft-operator';
  operator = await startTestOperator(await mesh.issue({ spiffeId: id }));
});
afterEach(async () => {
  await operator.close();
  await fixture.stop();
});

it.each(['1', '2'])('a first call is answered by what it brought: %s workers', async (workers) => {
  const port = fixture.applicationPort;
  const bank = { namespace: 'bank', address: '127.0.0.1', endpoints: ['127.0.0.1'], port };
  const ledger = serviceOf('ledger', bank);
  // the application of this test has no proxy: by the directory alone, and mTLS, it could not be reached
  for (const endpoint of ledger.ports[0]!.endpoints) {
    delete endpoint.wire;
    delete endpoint.identity;
  }
  const messages: ProxyMessage[] = [];
  operator.onMessage = (stream, message) => {
    messages.push(message);
    const has = { parts: {}, services: {} };
    if (message.type === 'ask')
      stream.send(updateOf(documentOf({ revision: '11', services: [ledger] }), has));
  };
  const proxy = await fixture.start({
    WEFT_CONTROL: `127.0.0.1:${operator.address.port}`,
    WEFT_WORKERS: workers,
  });
  await proxy.directory.write({
    'directory.json': JSON.stringify(directoryOf({ services: [listed(ledger)] })),
  });
  await fixture.configure();
  await eventually(() => messages.some((message) => message.type === 'state' && message.has.directory));
  await eventually(() => proxy.diagnostics.some(({ message }) => message === 'serving'));
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, n) =>
      (await fetch(`http://127.0.0.1:${proxy.ports.outbound}/${n}`)).text(),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 8 }, (_, n) => `you asked for /${n}`));
  expect(messages.filter(({ type }) => type === 'ask')).toEqual([{ type: 'ask', services: ['bank/ledger'] }]);
  await eventually(() => proxy.accessLog.length === 8);
  expect(new Set(proxy.accessLog.map(({ service }) => service))).toEqual(new Set([`bank/ledger:${port}`]));
});
