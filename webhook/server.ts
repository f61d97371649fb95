/**
 * Two servers: reviews over TLS for the API server, health and metrics in plain text for kubelet and Prometheus.
 * The certificate of the running one is replaced in place: open connections stay, new handshakes see the new one.
 */
import type { Server as HttpsServer } from 'node:https';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { WeftError, codes } from '../core/errors/index.ts';
import { admitPod, admitResource, type AdmissionOptions, type Outcome } from './admission.ts';
import type { ServingCertificate } from './certificate.ts';
import type { Metrics } from './metrics.ts';
import { parseReview, reviewOf, type AdmissionRequest } from './review.ts';

/** A pod can be 1.5 MiB in etcd; a review holds it twice on updates, and JSON escapes. */
const MAX_BODY_BYTES = 8 * 2 ** 20;
/** Each may hold a body. One API server needs a few. */
const MAX_CONNECTIONS = 512;
const TLS = { minVersion: 'TLSv1.2' } as const;
/** Longer than the API server keeps an idle connection (90 s), so that it closes first and no request is lost. */
const KEEP_ALIVE_MS = 120_000;

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ServerOptions {
  admission: AdmissionOptions;
  metrics: Metrics;
  log: Log;
}

export interface WebhookServer {
  /** Reviews over TLS. Handshakes fail until a certificate was given. */
  readonly reviews: FastifyInstance<HttpsServer>;
  /** /healthz/live, /healthz/ready, /metrics. */
  readonly health: FastifyInstance;
  /** For new handshakes; those before keep theirs. Throws where the pair cannot be used. */
  setCertificate(certificate: ServingCertificate): void;
  readonly ready: boolean;
  /**
   * No review is lost: first unready, so that no new ones are sent here, and answers ask for their connection to be
   * closed; after `graceMs` nothing more is accepted, and what runs is finished.
   */
  drain(graceMs: number): Promise<void>;
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Answers what is no verdict: 400 for what is no review, 500 for an error of our own. Never its stack. */
function answerError(error: Error, reply: FastifyReply): { status: number; code: string } {
  const known = error instanceof WeftError ? error.code : undefined;
  const fromServer = (error as { statusCode?: number }).statusCode;
  const status =
    known === 'REVIEW_INVALID' ? 400 : fromServer !== undefined && fromServer < 500 ? fromServer : 500;
  const code = known ?? (status < 500 ? 'BAD_REQUEST' : 'INTERNAL');
  const text = status < 500 || known ? error.message : 'the webhook failed; see its log';
  const remedy = known ? codes[known].remedy : undefined;
  void reply.code(status).send({ code, message: text, ...(remedy ? { remedy } : {}) });
  return { status, code };
}

type Handler = (request: AdmissionRequest, options: AdmissionOptions) => Promise<Outcome>;

interface Route {
  path: string;
  handle: Handler;
  count: (outcome: Outcome, dryRun: boolean) => void;
}

function routesOf({ metrics }: ServerOptions): Route[] {
  return [
    {
      path: '/inject',
      handle: admitPod,
      count: ({ outcome, reason }, dryRun) =>
        metrics.injections.inc({ outcome, reason, dry_run: String(dryRun) }),
    },
    {
      path: '/validate',
      handle: admitResource,
      count: ({ outcome, reason, kind }, dryRun) =>
        metrics.validations.inc({ kind, outcome, reason, dry_run: String(dryRun) }),
    },
  ];
}

function logOutcome(log: Log, request: AdmissionRequest, { outcome, reason, response, kind }: Outcome): void {
  const { uid, namespace = '', dryRun = false } = request;
  const object = request.object as { metadata?: { name?: string; generateName?: string } } | undefined;
  const name = request.name || object?.metadata?.name || object?.metadata?.generateName || '';
  const fields = { uid, kind, namespace, name, dryRun, outcome, reason, warnings: response.warnings };
  log.info(fields, 'reviewed');
}

function reviewServer(options: ServerOptions, isDraining: () => boolean): FastifyInstance<HttpsServer> {
  const { admission, metrics, log } = options;
  const app = Fastify({
    https: { ...TLS },
    bodyLimit: MAX_BODY_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 30_000,
    // requests that arrive while connections are being closed are answered, not refused
    return503OnClosing: false,
    logger: false,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  // as text: parsing is ours, so that what is no JSON gets our answer, and odd keys are data
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onSend', async (_request, reply) => {
    if (isDraining()) reply.header('connection', 'close');
  });
  app.setErrorHandler((error: Error, request, reply) => {
    const { status, code } = answerError(error, reply);
    metrics.failures.inc({ path: request.routeOptions.url ?? 'unknown', code });
    if (status >= 500) log.error({ path: request.url, err: error }, 'no verdict: the failurePolicy decides');
    else log.warn({ path: request.url, code, reason: message(error) }, 'refused a request that is no review');
  });
  for (const { path, handle, count } of routesOf(options)) {
    app.post(path, async (request: FastifyRequest) => {
      const end = metrics.duration.startTimer({ path });
      const review = parseReview(request.body as string);
      const outcome = await handle(review, admission);
      count(outcome, review.dryRun === true);
      logOutcome(log, review, outcome);
      end();
      return reviewOf(outcome.response);
    });
  }
  return app;
}

function healthServer(metrics: Metrics, unready: () => string[]): FastifyInstance {
  const app = Fastify({ logger: false });
  app.get('/healthz/live', () => ({ status: 'live' }));
  app.get('/healthz/ready', (_request, reply) => {
    const missing = unready();
    return reply.code(missing.length === 0 ? 200 : 503).send({ ready: missing.length === 0, missing });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  return app;
}

/** Makes both servers; nothing listens yet. */
export function createServer(options: ServerOptions): WebhookServer {
  const { metrics, admission } = options;
  let draining = false;
  let hasCertificate = false;
  const reviews = reviewServer(options, () => draining);
  const unready = (): string[] => [
    ...(hasCertificate ? [] : ['certificate']),
    ...(admission.view.synced ? [] : ['watches of the cluster']),
    ...(draining ? ['shutting down'] : []),
  ];
  const health = healthServer(metrics, unready);
  return {
    reviews,
    health,
    get ready() {
      return unready().length === 0;
    },
    setCertificate({ cert, key, notAfter }) {
      reviews.server.setSecureContext({ ...TLS, cert, key });
      hasCertificate = true;
      metrics.certificateNotAfter.set(Math.floor(notAfter.getTime() / 1000));
    },
    async drain(graceMs) {
      draining = true;
      await new Promise((resolve) => setTimeout(resolve, graceMs));
      await reviews.close();
      await health.close();
    },
  };
}
