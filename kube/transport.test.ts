import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isTransient } from './apiError.ts';
import { resources, type ConfigMap } from './resource.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { failure } from './testing/failure.ts';
import { until } from './testing/until.ts';

const { configMaps } = resources;
const map: ConfigMap = { metadata: { namespace: 'shop', name: 'a' }, data: { a: '1' } };
const ref = { namespace: 'shop', name: 'a' };

let server: ApiServer;

beforeEach(async () => {
  server = await startApiServer({ namespaces: ['shop'] });
});
afterEach(() => server.close());

const quick = { random: () => 0 };
const verbs = (): string[] => server.requests.map(({ verb }) => verb);

describe('repetition of requests', () => {
  it('waits as long as the server asks, whatever the verb', async () => {
    const client = server.client(quick);
    for (const status of [429, 503]) server.faults.respond({ status, retryAfter: 0.15 });
    const startedAt = performance.now();
    await client.create(configMaps, map);
    expect(performance.now() - startedAt).toBeGreaterThan(290);
    expect(verbs()).toEqual(['create']);
  });

  it('leaves a long wait to the caller', async () => {
    const client = server.client(quick);
    server.faults.respond({ status: 429, retryAfter: 3600 });
    const error = await failure(client.get(configMaps, ref));
    expect(error).toMatchObject({ status: 429, reason: 'TooManyRequests', retryAfterMs: 3_600_000 });
    expect(isTransient(error)).toBe(true);
  });

  it('repeats a read after a lost connection, and a write that is the same when done twice', async () => {
    const client = server.client(quick);
    server.objects.put(configMaps, map);
    server.faults.drop({ method: 'GET', times: 2 });
    expect((await client.get(configMaps, ref)).data).toEqual({ a: '1' });
    server.faults.drop({ method: 'PATCH', afterwards: true });
    await client.patch(configMaps, ref, { type: 'merge', body: { data: { a: '2' } } });
    expect(verbs()).toEqual(['get', 'patch', 'patch']);
  });

  it('never repeats a write that may have been done and would not be the same twice', async () => {
    const client = server.client(quick);
    server.faults.drop({ method: 'POST', afterwards: true });
    expect(await failure(client.create(configMaps, map))).toMatchObject({ status: 0, reason: 'Unreachable' });
    server.faults.drop({ method: 'PATCH', afterwards: true });
    const body = [{ op: 'replace', path: '/data/a', value: '2' }];
    expect(await failure(client.patch(configMaps, ref, { type: 'json', body }))).toMatchObject({ status: 0 });
    server.faults.drop({ method: 'DELETE', afterwards: true });
    expect(await failure(client.delete(configMaps, ref))).toMatchObject({ status: 0 });
    server.faults.respond({ status: 503, method: 'POST' });
    expect(await failure(client.create(configMaps, map))).toMatchObject({ status: 503 });
    expect(verbs()).toEqual(['create', 'patch', 'delete']);
  });

  it('sends anything again that cannot have arrived, and gives up after some attempts', async () => {
    const client = server.client(quick);
    await server.down();
    const refused = failure(client.create(configMaps, map));
    expect(await refused).toMatchObject({ code: 'KUBERNETES_UNREACHABLE', reason: 'Unreachable' });
    const created = client.create(configMaps, map);
    await server.up();
    expect((await created).data).toEqual({ a: '1' });
  });

  it('can be left to the caller', async () => {
    const client = server.client(quick);
    const fault = server.faults.respond({ status: 503, retryAfter: 0, times: 5 });
    expect((await failure(client.get(configMaps, ref, { retries: 0 }))).status).toBe(503);
    expect(fault.hits).toBe(1);
  });
});

describe('bounds', () => {
  it('takes no answer within its time for a failure', async () => {
    const client = server.client(quick);
    server.faults.hang();
    const error = await failure(client.get(configMaps, ref, { timeoutMs: 50 }));
    expect(error).toMatchObject({ status: 0, reason: 'Timeout', message: 'no answer within 50 ms' });
  });

  it('rejects with the reason of an aborted signal, and the connection ends', async () => {
    const client = server.client(quick);
    const abort = new AbortController();
    const fault = server.faults.hang();
    const request = client.get(configMaps, ref, { signal: abort.signal });
    const outcome = request.catch((error: unknown) => error);
    await until('it was sent', () => fault.hits === 1);
    const why = new Error('no longer wanted');
    abort.abort(why);
    expect(await outcome).toBe(why);
    await expect(client.get(configMaps, ref, { signal: abort.signal })).rejects.toBe(why);
  });

  it('reads no answer that is larger than it may be', async () => {
    const client = server.client(quick);
    server.objects.put(configMaps, { ...map, data: { a: 'x'.repeat(5000) } });
    const path = '/api/v1/namespaces/shop/configmaps/a';
    const error = await failure(client.transport.request({ path, maxBytes: 4000 }));
    expect(error).toMatchObject({ code: 'KUBERNETES_ANSWER_INVALID', reason: 'TooLarge' });
    expect(await client.transport.request({ path, maxBytes: 8000 })).toMatchObject({ kind: 'ConfigMap' });
  });

  it('reads no line of a watch that is longer than it may be', async () => {
    const client = server.client(quick);
    server.objects.put(configMaps, { ...map, data: { a: 'x'.repeat(5000) } });
    const { signal } = new AbortController();
    const path = '/api/v1/configmaps';
    const lines = client.transport.stream({ path, query: { watch: true }, signal, maxLineBytes: 1000 });
    expect(await failure(lines.next())).toMatchObject({ reason: 'TooLarge' });
    await until('the watch ended', () => server.watches.count() === 0);
  });
});

describe('answers that are none', () => {
  it('are told from those of the API server', async () => {
    const client = server.client(quick);
    server.faults.respond({ status: 200, body: '<html>Welcome</html>' });
    expect(await failure(client.get(configMaps, ref))).toMatchObject({ reason: 'NotJson' });
    server.faults.respond({ status: 502, body: 'Bad gateway' });
    expect(await failure(client.get(configMaps, ref))).toMatchObject({ status: 502, message: 'Bad gateway' });
  });

  it('names the request, the reason and the way out', async () => {
    const client = server.client(quick);
    const error = await failure(client.get(configMaps, { namespace: 'shop', name: 'none' }));
    expect(String(error)).toBe(
      'KUBERNETES_REFUSED GET /api/v1/namespaces/shop/configmaps/none: configmaps "none" not found; ' +
        'see `reason` and the message; for Forbidden check the role of the ServiceAccount',
    );
  });
});

describe('streams', () => {
  it('end with the server, with the signal, and with the reader', async () => {
    const client = server.client(quick);
    const watch = (signal: AbortSignal): AsyncGenerator<string> =>
      client.watch(configMaps, { resourceVersion: '0', signal });
    const ended = watch(new AbortController().signal).next();
    await until('open', () => server.watches.count() === 1);
    server.watches.end();
    expect(await ended).toEqual({ done: true, value: undefined });

    const abort = new AbortController();
    const aborted = watch(abort.signal)
      .next()
      .catch((error: unknown) => error);
    await until('open', () => server.watches.count() === 1);
    abort.abort(new Error('enough'));
    expect(await aborted).toMatchObject({ message: 'enough' });
    await until('closed', () => server.watches.count() === 0);

    server.objects.put(configMaps, map);
    for await (const line of watch(new AbortController().signal)) {
      expect(JSON.parse(line)).toMatchObject({ type: 'ADDED' });
      break;
    }
    await until('closed', () => server.watches.count() === 0);
  });

  it('reject with what the server says, and with a connection that broke', async () => {
    const client = server.client(quick);
    const { signal } = new AbortController();
    server.faults.respond({ status: 403, watch: true });
    expect(await failure(client.watch(configMaps, { resourceVersion: '0', signal }).next())).toMatchObject({
      reason: 'Forbidden',
    });
    const broken = failure(client.watch(configMaps, { resourceVersion: '0', signal }).next());
    await until('open', () => server.watches.count() === 1);
    server.watches.drop();
    expect(await broken).toMatchObject({ status: 0, reason: 'Unreachable' });
  });
});
