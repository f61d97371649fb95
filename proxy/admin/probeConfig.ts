import { environmentError, isPort, isRecord, parseJson } from '../environmentError.ts';

/** One probe of the application that the proxy makes for kubelet; fields as in Kubernetes, ports resolved. */
export type Probe = { timeoutMs: number } & (
  | {
      kind: 'http';
      scheme: 'HTTP' | 'HTTPS';
      port: number;
      path: string;
      headers: readonly { name: string; value: string }[];
    }
  | { kind: 'tcp'; port: number }
  | { kind: 'grpc'; port: number; service: string }
);

const NAME = 'WEFT_PROBES';
export const PROBE_PATH = /^\/app-health\/[a-z0-9]([-a-z0-9]*[a-z0-9])?\/(livez|readyz|startupz)$/;
const MAX_TIMEOUT_S = 3600;

const text = (value: unknown, where: string, otherwise: string): string => {
  if (value === undefined) return otherwise;
  if (typeof value !== 'string') throw environmentError(NAME, `${where} is not a text`);
  return value;
};

function portOf(value: unknown, where: string): number {
  if (!isPort(value)) throw environmentError(NAME, `${where} is not a port`);
  return value;
}

function headersOf(value: unknown, where: string): { name: string; value: string }[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw environmentError(NAME, `${where} is not a list`);
  return value.map((header: unknown, i) => {
    const name = isRecord(header) ? header['name'] : undefined;
    const content = isRecord(header) ? (header['value'] ?? '') : undefined;
    if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw environmentError(NAME, `${where}[${i}].name is no header name`);
    // what node:http would refuse at each probe is refused once, at start
    if (typeof content !== 'string' || !/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(content))
      throw environmentError(NAME, `${where}[${i}].value is no header value`);
    return { name, value: content };
  });
}

function httpProbe(value: Record<string, unknown>, where: string) {
  const scheme = text(value['scheme'], `${where}.scheme`, 'HTTP').toUpperCase();
  if (scheme !== 'HTTP' && scheme !== 'HTTPS')
    throw environmentError(NAME, `${where}.scheme is neither HTTP nor HTTPS`);
  const path = text(value['path'], `${where}.path`, '/');
  return {
    kind: 'http' as const,
    scheme: scheme as 'HTTP' | 'HTTPS',
    port: portOf(value['port'], `${where}.port`),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: headersOf(value['httpHeaders'], `${where}.httpHeaders`),
  };
}

function handlerOf(value: Record<string, unknown>, where: string) {
  const { httpGet, tcpSocket, grpc } = value;
  if (isRecord(httpGet)) return httpProbe(httpGet, `${where}.httpGet`);
  if (isRecord(tcpSocket))
    return { kind: 'tcp' as const, port: portOf(tcpSocket['port'], `${where}.tcpSocket.port`) };
  if (isRecord(grpc)) {
    return {
      kind: 'grpc' as const,
      port: portOf(grpc['port'], `${where}.grpc.port`),
      service: text(grpc['service'] ?? undefined, `${where}.grpc.service`, ''),
    };
  }
  throw environmentError(NAME, `${where} has neither httpGet, tcpSocket nor grpc`);
}

/** Reads the probes by their path on the health port. Throws WeftError ENVIRONMENT_INVALID. */
export function parseProbes(json: string | undefined): ReadonlyMap<string, Probe> {
  if (json === undefined) return new Map();
  const value = parseJson(NAME, json);
  if (!isRecord(value)) throw environmentError(NAME, 'is not a JSON object');
  return new Map(
    Object.entries(value).map(([path, probe]): [string, Probe] => {
      if (!PROBE_PATH.test(path)) throw environmentError(NAME, `${JSON.stringify(path)} is no probe's path`);
      if (!isRecord(probe)) throw environmentError(NAME, `${path} is not an object`);
      const seconds = probe['timeoutSeconds'] ?? 1;
      if (typeof seconds !== 'number' || !(seconds > 0) || seconds > MAX_TIMEOUT_S)
        throw environmentError(NAME, `${path}.timeoutSeconds is not from 1 to ${MAX_TIMEOUT_S}`);
      return [path, { ...handlerOf(probe, path), timeoutMs: seconds * 1000 }];
    }),
  );
}
