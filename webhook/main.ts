/** The webhook's process: environment, API server, certificate, servers, and an orderly end. */
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { WeftError } from '../core/errors/index.ts';
import { connect, type KubeClient } from '../kube/index.ts';
import { CertificateWatch } from './certificate.ts';
import { watchCluster } from './cluster.ts';
import { readEnvironment, type WebhookEnvironment } from './env.ts';
import { parseKubernetesVersion, tooOld, type KubernetesVersion } from './inject/index.ts';
import { createMetrics } from './metrics.ts';
import { createServer, type Log, type WebhookServer } from './server.ts';

/** Refuses to start on a cluster whose pods could not have a native sidecar. Throws WeftError CLUSTER_TOO_OLD. */
async function supportedVersion(client: KubeClient): Promise<KubernetesVersion> {
  const info = await client.transport.request<{ major?: string; minor?: string }>({
    method: 'GET',
    path: '/version',
  });
  const version = parseKubernetesVersion(info);
  if (!version) throw new WeftError('CLUSTER_TOO_OLD', `cannot read the version ${JSON.stringify(info)}`);
  const problem = tooOld(version);
  if (problem) throw new WeftError(problem.code, problem.message);
  return version;
}

/** Both families where the node has both, else IPv4. Gives the port, which is the system's choice for 0. */
async function listen(
  app: WebhookServer['health'] | WebhookServer['reviews'],
  port: number,
): Promise<number> {
  try {
    await app.listen({ host: '::', port });
  } catch (error) {
    if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await app.listen({ host: '0.0.0.0', port });
  }
  return (app.server.address() as AddressInfo).port;
}

async function run(env: WebhookEnvironment, log: Log): Promise<void> {
  const client = await connect(process.env, { userAgent: 'weft-webhook' });
  const kubernetes = await supportedVersion(client);
  const { systemNamespace, trustDomain, revision, image } = env;
  const view = watchCluster({
    client,
    systemNamespace,
    trustDomain,
    kubernetes,
    onError: (what, error) => log.warn({ what, reason: error.message }, 'cannot read from the API server'),
  });
  const metrics = createMetrics();
  const server = createServer({ admission: { view, systemNamespace, revision, image }, metrics, log });
  const certificate = new CertificateWatch({
    directory: env.tlsDirectory,
    onCertificate: (loaded) => {
      server.setCertificate(loaded);
      metrics.certificateLoads.inc({ result: 'loaded' });
      log.info({ notAfter: loaded.notAfter }, 'serving certificate loaded');
    },
    onError: (error) => {
      metrics.certificateLoads.inc({ result: 'refused' });
      log.warn({ reason: String(error) }, 'serving certificate not usable; the last good one stays');
    },
  });
  const healthPort = await listen(server.health, env.healthPort);
  const port = await listen(server.reviews, env.port);
  log.info({ port, healthPort, kubernetes, revision, image: image.name }, 'listening');

  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => resolve(name));
  });
  log.info({ signal, graceMs: env.graceMs }, 'shutting down');
  await server.drain(env.graceMs);
  certificate.close();
  await view.stop();
  client.close();
}

async function main(): Promise<void> {
  let log: Log = pino({ base: { component: 'webhook' } });
  try {
    const env = readEnvironment(process.env);
    log = pino({ base: { component: 'webhook' }, level: env.logLevel });
    await run(env, log);
  } catch (error) {
    log.error({ reason: String(error) }, 'the webhook cannot run');
    // watches may be running: ended with the process
    process.exit(1);
  }
}

await main();
