/**
 * Kubelet probes the pod in plain text and without an identity, which Strict mTLS refuses. So its probes go to the
 * proxy's health port, and the proxy asks the application from inside the pod: no port is opened to plain text.
 */
import { container as own, port } from '../../core/model/names.ts';
import type { Container, EnvVar, HttpGetAction, Operation, Pod, Probe } from './types.ts';
import { pointer } from './pointer.ts';

/** The probe that the proxy makes for kubelet: ports are numbers, and only what decides the answer is kept. */
export interface ForwardedProbe {
  httpGet?: Pick<HttpGetAction, 'path' | 'scheme' | 'httpHeaders'> & { port: number };
  tcpSocket?: { port: number };
  grpc?: { port: number; service?: string };
  timeoutSeconds: number;
}

export const PROBES_VARIABLE = 'WEFT_PROBES';

const KINDS = { livenessProbe: 'livez', readinessProbe: 'readyz', startupProbe: 'startupz' } as const;
type ProbeField = keyof typeof KINDS;
const FIELDS = Object.keys(KINDS) as ProbeField[];

export const probePath = (container: string, field: ProbeField): string =>
  `/app-health/${container}/${KINDS[field]}`;

export interface RewrittenProbes {
  operations: Operation[];
  /** By path on the health port: those found now and those that were rewritten before. */
  forwarded: Record<string, ForwardedProbe>;
  warnings: string[];
}

/** Number of a port that may be a name; names are the container's own, as for kubelet. */
function portNumber(value: number | string, container: Container): number | undefined {
  if (typeof value === 'number') return value;
  if (/^[0-9]+$/.test(value)) return Number(value);
  return container.ports?.find(({ name }) => name === value)?.containerPort;
}

/** What the proxy is to ask; `undefined` where kubelet's probe does not go to this pod's network. */
function forward(probe: Probe, container: Container): ForwardedProbe | string | undefined {
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  const { httpGet, tcpSocket, grpc } = probe;
  const handler = httpGet ?? tcpSocket ?? grpc;
  // a probe with a host goes where it says, from the node
  if (!handler || (httpGet ?? tcpSocket)?.host) return undefined;
  const number = portNumber(handler.port, container);
  if (number === undefined) return `the container declares no port named ${JSON.stringify(handler.port)}`;
  if (tcpSocket) return { tcpSocket: { port: number }, timeoutSeconds };
  if (grpc)
    return { grpc: { port: number, ...(grpc.service ? { service: grpc.service } : {}) }, timeoutSeconds };
  const { path, scheme, httpHeaders } = httpGet!;
  return {
    httpGet: {
      ...(path === undefined ? {} : { path }),
      port: number,
      ...(scheme === 'HTTPS' ? { scheme } : {}),
      ...(httpHeaders?.length ? { httpHeaders } : {}),
    },
    timeoutSeconds,
  };
}

const isRewritten = (probe: Probe, path: string) =>
  probe.httpGet?.port === port.health && probe.httpGet.path === path;

/** Replaces the handler only, so that periods, thresholds and grace periods stay as they are. */
function redirect(probe: Probe, path: string, at: string): Operation[] {
  const value = { path, port: port.health };
  if (probe.httpGet) return [{ op: 'replace', path: `${at}/httpGet`, value }];
  return [
    { op: 'remove', path: `${at}/${probe.tcpSocket ? 'tcpSocket' : 'grpc'}` },
    { op: 'add', path: `${at}/httpGet`, value },
  ];
}

/** Kubelet calls these too, in plain text; it never asks the proxy for them, so a person must know. */
function hookWarnings(container: Container): string[] {
  return Object.entries(container.lifecycle ?? {})
    .filter(([, hook]) => hook?.httpGet !== undefined || hook?.tcpSocket !== undefined)
    .map(
      ([name]) =>
        `container ${container.name}: kubelet calls lifecycle.${name} in plain text, which Strict mTLS refuses; use exec`,
    );
}

/** Containers that have probes: the application's and native sidecars, without Weft's own. */
function* probed(pod: Pod): Generator<{ container: Container; at: string }> {
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (pod.spec[list] ?? []).entries()) {
      if (list === 'initContainers' && container.restartPolicy !== 'Always') continue;
      if (list === 'initContainers' && container.name === own.proxy) continue;
      yield { container, at: pointer('spec', list, index) };
    }
  }
}

/**
 * Sends HTTP, HTTPS, TCP and gRPC probes by way of the proxy; exec probes need no help. Paths count from the pod as
 * it came, so these operations go before any that adds a container. `before` holds what an earlier run rewrote.
 */
export function rewriteProbes(
  pod: Pod,
  before: Readonly<Record<string, ForwardedProbe>> = {},
): RewrittenProbes {
  const result: RewrittenProbes = { operations: [], forwarded: {}, warnings: [] };
  for (const { container, at } of probed(pod)) {
    result.warnings.push(...hookWarnings(container));
    for (const field of FIELDS) {
      const probe = container[field];
      if (!probe) continue;
      const path = probePath(container.name, field);
      if (isRewritten(probe, path)) {
        if (before[path]) result.forwarded[path] = before[path];
        else
          result.warnings.push(
            `container ${container.name}: ${field} calls the proxy, which has no such probe`,
          );
        continue;
      }
      const forwarded = forward(probe, container);
      if (forwarded === undefined) continue;
      if (typeof forwarded === 'string') {
        result.warnings.push(`container ${container.name}: ${field} is left as it is: ${forwarded}`);
        continue;
      }
      result.forwarded[path] = forwarded;
      result.operations.push(...redirect(probe, path, `${at}/${field}`));
    }
  }
  return result;
}

/**
 * The value of WEFT_PROBES; `undefined` where there is no probe. Kubelet expands `$(NAME)` in values and makes `$`
 * of `$$`, so every `$` of a path or header is doubled.
 */
export function probesVariable(forwarded: Readonly<Record<string, ForwardedProbe>>): EnvVar | undefined {
  if (Object.keys(forwarded).length === 0) return undefined;
  return { name: PROBES_VARIABLE, value: JSON.stringify(forwarded).replaceAll('$', () => '$$') };
}

/** Reads WEFT_PROBES back from a proxy that was injected before; what cannot be read counts as none. */
export function readProbesVariable(proxy: Container | undefined): Record<string, ForwardedProbe> {
  const text = proxy?.env?.find(({ name }) => name === PROBES_VARIABLE)?.value?.replaceAll('$$', () => '$');
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, ForwardedProbe>)
      : {};
  } catch {
    return {};
  }
}
