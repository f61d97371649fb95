/** What is not a Deployment that speaks HTTP: a Job, a StatefulSet behind a headless Service, a server-first protocol. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, caller } from './support/calls.ts';
import { identityOf, namespaces } from './support/environment.ts';
import { exec, kubectl, livingPods } from './support/kubectl.ts';
import { applyPolicy, removePolicies } from './support/policies.ts';
import { accessLogs } from './support/proxy.ts';
import { waitFor } from './support/waitFor.ts';
import { appsVolume, applyAll, container, provideApps, service } from './support/workloads.ts';
import { hasProxy } from './support/install.ts';

const { workloads, outside, shop } = namespaces;

beforeAll(async () => {
  await Promise.all([provideApps(workloads), provideApps(outside)]);
});

afterAll(removePolicies);

describe('a Job', () => {
  it('completes although its pod has a proxy, and calls a service of another namespace by mTLS', async () => {
    const url = `http://cart.${shop}:8080/cart`;
    const script = `fetch('${url}', {headers: {'x-request-id': 'from-a-job'}}).then((r) => process.exit(r.status === 200 ? 0 : 1))`;
    await applyAll(workloads, [
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'errand' },
        spec: {
          backoffLimit: 0,
          template: {
            metadata: { labels: { app: 'errand' } },
            spec: {
              restartPolicy: 'Never',
              volumes: [appsVolume],
              containers: [container('errand', ['node', '-e', script])],
            },
          },
        },
      },
    ]);
    await kubectl(['wait', '-n', workloads, 'job/errand', '--for=condition=Complete', '--timeout=90s']);
    const line = await waitFor('the line of the Job', async () =>
      (await accessLogs(shop, 'app=cart')).find(({ requestId }) => requestId === 'from-a-job'),
    );
    expect(line).toMatchObject({ security: 'mtls', source: identityOf(workloads, 'default'), status: 200 });
  });
});

describe('a StatefulSet behind a headless Service', () => {
  beforeAll(async () => {
    await applyAll(workloads, [
      service('store', [{ name: 'http', port: 8080 }], { clusterIP: 'None' }),
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'store' },
        spec: {
          serviceName: 'store',
          replicas: 2,
          podManagementPolicy: 'Parallel',
          selector: { matchLabels: { app: 'store' } },
          template: {
            metadata: { labels: { app: 'store' } },
            spec: {
              terminationGracePeriodSeconds: 2,
              volumes: [appsVolume],
              containers: [
                container('store', ['node', 'inventory.ts'], {
                  ports: [{ containerPort: 8080 }],
                  readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 },
                }),
              ],
            },
          },
        },
      },
    ]);
    await kubectl(['rollout', 'status', '-n', workloads, 'statefulset/store', '--timeout=120s'], {
      timeoutMs: 130_000,
    });
  });

  it('each pod answers by its name, over mTLS', async () => {
    expect((await livingPods(workloads, 'app=store')).every(hasProxy)).toBe(true);
    await applyPolicy(
      'store',
      { selector: { matchLabels: { app: 'store' } }, mtls: { mode: 'Strict' } },
      workloads,
    );
    const from = await caller(workloads);
    for (const pod of ['store-0', 'store-1']) {
      const answer = await waitFor(`an answer of ${pod}`, async () => {
        const given = await call(from, `http://${pod}.store:8080/whoami`);
        return given.status === 200 ? given : undefined;
      });
      expect(answer).toMatchObject({ body: { pod, source: identityOf(workloads, 'default') } });
    }
  });
});

describe('a protocol in which the server speaks first', () => {
  const mailbox = [
    service('mailbox', [{ name: 'mail', port: 25, targetPort: 2525 }]),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'mailbox' },
      spec: {
        selector: { matchLabels: { app: 'mailbox' } },
        template: {
          metadata: { labels: { app: 'mailbox' } },
          spec: {
            terminationGracePeriodSeconds: 2,
            volumes: [appsVolume],
            containers: [
              container('mailbox', ['node', '/apps/mailbox.ts'], {
                ports: [{ containerPort: 2525 }],
                readinessProbe: { tcpSocket: { port: 2525 }, periodSeconds: 1 },
              }),
            ],
          },
        },
      },
    },
  ];
  const client = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'mail-client', labels: { app: 'mail-client' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      volumes: [appsVolume],
      containers: [container('mail-client', ['node', '-e', 'setInterval(() => {}, 1e6)'])],
    },
  };

  /** Medians over some connections, in milliseconds, inside one namespace. */
  async function timings(namespace: string): Promise<{ greetingMs: number; answerMs: number }> {
    const target = { namespace, pod: 'mail-client', container: 'mail-client' };
    return await waitFor('a conversation', async () => {
      const { code, stdout } = await exec(target, ['node', '/apps/mailClient.ts', 'mailbox', '25', '15']);
      return code === 0 ? (JSON.parse(stdout) as { greetingMs: number; answerMs: number }) : undefined;
    });
  }

  beforeAll(async () => {
    for (const namespace of [workloads, outside]) {
      await applyAll(namespace, [...mailbox, client]);
      await kubectl(['rollout', 'status', '-n', namespace, 'deployment/mailbox', '--timeout=120s']);
      await kubectl(['wait', '-n', namespace, 'pod/mail-client', '--for=condition=Ready', '--timeout=90s']);
    }
  });

  it('the greeting comes less than 50 ms later than without a mesh', async () => {
    await applyPolicy(
      'mailbox',
      { selector: { matchLabels: { app: 'mailbox' } }, mtls: { mode: 'Strict' } },
      workloads,
    );
    const plain = await timings(outside);
    const meshed = await timings(workloads);
    process.stdout.write(`server-first: plain ${JSON.stringify(plain)}, meshed ${JSON.stringify(meshed)}\n`);
    expect(meshed.greetingMs - plain.greetingMs).toBeLessThan(50);
    expect(meshed.answerMs - plain.answerMs).toBeLessThan(50);
    const lines = await accessLogs(workloads, 'app=mailbox');
    expect(lines).toContainEqual(
      expect.objectContaining({ direction: 'inbound', protocol: 'tcp', security: 'mtls' }),
    );
  });
});
