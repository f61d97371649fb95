/** The webhook as a process, against an API server double. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../kube/testing/apiServer.ts';
import { until } from '../kube/testing/until.ts';
import { podResource, reviewText, testAuthority, type TestAuthority } from './testing/serving.ts';

interface Line {
  msg: string;
  port?: number;
  healthPort?: number;
  reason?: string;
}

let api: ApiServer;
let directory: string;
let authority: TestAuthority;
let child: ChildProcess;
let lines: Line[];

beforeEach(async () => {
  api = await startApiServer();
  api.objects.namespace('shop', { 'weft.dev/injection': 'enabled' });
  authority = await testAuthority();
  directory = await mkdtemp(join(tmpdir(), 'weft-webhook-main-'));
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: api.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(join(directory, 'kubeconfig'), JSON.stringify(kubeconfig));
});
afterEach(async () => {
  child.kill('SIGKILL');
  await api.close();
  await rm(directory, { recursive: true });
});

function start(env: Record<string, string> = {}): void {
  lines = [];
  child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      KUBECONFIG: join(directory, 'kubeconfig'),
      WEFT_PROXY_IMAGE: 'weft:test',
      WEFT_TLS_DIR: directory,
      WEFT_PORT: '0',
      WEFT_HEALTH_PORT: '0',
      WEFT_GRACE_MS: '500',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line) as Line));
}

const listening = () => lines.find(({ msg }) => msg === 'listening');
const ready = async () => {
  const { healthPort } = listening()!;
  return (await fetch(`http://127.0.0.1:${healthPort}/healthz/ready`)).ok;
};

/** Asks about a pod on a connection of its own; gives the status. */
async function ask(): Promise<number | undefined> {
  const outgoing = request({
    host: '127.0.0.1',
    port: listening()!.port,
    servername: 'weft-webhook.weft-system.svc',
    ca: authority.ca,
    path: '/inject',
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  const object = { metadata: { name: 'p' }, spec: { containers: [{ name: 'a' }] } };
  outgoing.end(reviewText({ resource: podResource, object }));
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  incoming.resume();
  await once(incoming, 'end');
  return incoming.statusCode;
}

test('waits for its certificate, answers, and leaves without losing a review', async () => {
  start();
  await until('listening', () => listening() !== undefined);
  expect(await ready()).toBe(false);
  const { cert, key } = await authority.issue();
  await writeFile(join(directory, 'tls.crt'), cert);
  await writeFile(join(directory, 'tls.key'), key);
  await until('ready', ready);
  expect(await ask()).toBe(200);

  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await until('unready', async () => !(await ready()));
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([200, 200, 200]);
  expect(await exited).toEqual([0, null]);
});

test('does not start on a cluster without native sidecars, and says why', async () => {
  api.faults.respond({ path: '/version', status: 200, body: '{"major":"1","minor":"28+"}' });
  start();
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(lines.at(-1)?.reason).toContain('CLUSTER_TOO_OLD');
});

test('does not start with a wrong environment, and names the variable', async () => {
  start({ WEFT_PROXY_IMAGE: '' });
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(lines.at(-1)?.reason).toContain('WEFT_PROXY_IMAGE');
});
