/**
 * The application's probes, made for kubelet from inside the pod: to the pod's own address as kubelet would, and from
 * the proxy's loopback address, which redirection lets through.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import type { Probe } from './probeConfig.ts';

export interface ProbeResult {
  /** 200 to 399: success, as for kubelet. */
  status: number;
  message: string;
}

export interface ProberOptions {
  /** Address of the pod. */
  host: string;
  /** Source address; absent where nothing redirects. */
  localAddress: string | undefined;
}

const MAX_RUNNING = 32;
const MAX_REDIRECTS = 10;
/** Kubelet waits as long as we do: answering a little earlier lets it show why. */
const HEADROOM_MS = 100;
const MIN_TIMEOUT_MS = 100;

const failed = (message: string): ProbeResult => ({ status: 503, message });

interface HttpTarget extends ProberOptions {
  probe: Extract<Probe, { kind: 'http' }>;
  signal: AbortSignal;
}

async function send(
  { host, localAddress, probe, signal }: HttpTarget,
  path: string,
): Promise<IncomingMessage> {
  const secure = probe.scheme === 'HTTPS';
  const start = secure ? (await import('node:https')).request : httpRequest;
  const headers: Record<string, string | string[]> = { 'user-agent': 'kube-probe/weft', accept: '*/*' };
  for (const { name, value } of probe.headers) headers[name.toLowerCase()] = value;
  const options: RequestOptions & { rejectUnauthorized?: boolean } = {
    host,
    port: probe.port,
    path,
    headers,
    agent: false,
    signal,
    ...(localAddress !== undefined && { localAddress }),
    // as kubelet does: a probe asks whether the application answers, not who it is
    ...(secure && { rejectUnauthorized: false }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = start(options, (response) => {
      response.resume();
      response.on('error', () => {});
      resolve(response);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Path of a redirect on the same host; undefined where it leads elsewhere, which kubelet takes for success. */
function sameHostPath(location: string, target: HttpTarget, path: string): string | undefined {
  const { host, probe } = target;
  const base = `${probe.scheme.toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${probe.port}`;
  if (!URL.canParse(location, `${base}${path}`)) return undefined;
  const url = new URL(location, `${base}${path}`);
  const declared = probe.headers.find(({ name }) => name.toLowerCase() === 'host')?.value;
  const same = url.host === new URL(base).host || url.host === declared;
  return same ? `${url.pathname}${url.search}` : undefined;
}

async function httpProbe(target: HttpTarget): Promise<ProbeResult> {
  let path = target.probe.path;
  for (let redirects = 0; ; redirects++) {
    const { statusCode = 0, headers } = await send(target, path);
    const message = `HTTP status ${statusCode}`;
    const isRedirect = [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined;
    const next = isRedirect ? sameHostPath(headers.location!, target, path) : undefined;
    if (next === undefined)
      return { status: statusCode >= 200 && statusCode <= 599 ? statusCode : 503, message };
    if (redirects === MAX_REDIRECTS) return failed(`stopped after ${MAX_REDIRECTS} redirects`);
    path = next;
  }
}

interface TcpTarget extends ProberOptions {
  port: number;
  signal: AbortSignal;
}

function tcpProbe({ host, localAddress, port, signal }: TcpTarget): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ...(localAddress !== undefined && { localAddress }) });
    const abort = () => socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    socket.on('close', () => signal.removeEventListener('abort', abort));
    socket.on('error', reject);
    socket.on('connect', () => {
      socket.destroy();
      resolve({ status: 200, message: 'connected' });
    });
  });
}

async function make(probe: Probe, options: ProberOptions, signal: AbortSignal): Promise<ProbeResult> {
  if (probe.kind === 'http') return httpProbe({ ...options, probe, signal });
  if (probe.kind === 'tcp') return tcpProbe({ ...options, port: probe.port, signal });
  const { grpcProbe } = await import('./grpcProbe.ts');
  return grpcProbe({ ...options, port: probe.port, service: probe.service, signal });
}

/** Gives the function that makes one probe. It never rejects, and only so many run at a time. */
export function createProber(options: ProberOptions): (probe: Probe) => Promise<ProbeResult> {
  let running = 0;
  return async (probe) => {
    if (running >= MAX_RUNNING) return failed(`OVERLOADED: ${MAX_RUNNING} probes run already`);
    running += 1;
    const timeoutMs = Math.max(MIN_TIMEOUT_MS, probe.timeoutMs - HEADROOM_MS);
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(new Error('timeout')), timeoutMs);
    try {
      return await make(probe, options, timeout.signal);
    } catch (error) {
      if (timeout.signal.aborted) return { status: 504, message: `no answer within ${timeoutMs} ms` };
      return failed(`${options.host}:${probe.port}: ${(error as Error).message}`);
    } finally {
      clearTimeout(timer);
      running -= 1;
    }
  };
}
