import { isIP } from 'node:net';
import type { Address, InboundListen, OutboundListen } from './context.ts';
import { environmentError, isPort, isRecord, parseJson } from './environmentError.ts';

const NAME = 'WEFT_LISTEN';

export interface ListenConfig {
  inbound: readonly InboundListen[];
  outbound: readonly OutboundListen[];
}

/** `127.0.0.1:80` or `[::1]:80`; port 0 only where the system may choose one. */
function address(value: unknown, where: string, minimum: 0 | 1): Address {
  const match = typeof value === 'string' ? /^(\[[^\]]+\]|[^:]+):([0-9]{1,5})$/.exec(value) : null;
  const host = match?.[1]!.replace(/^\[|\]$/g, '') ?? '';
  const port = Number(match?.[2]);
  if (!match || isIP(host) === 0 || port < minimum || port > 65_535)
    throw environmentError(NAME, `${where} is ${JSON.stringify(value)}, not address:port`);
  return { host, port };
}

function entries(value: unknown, where: string): Record<string, unknown>[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isRecord))
    throw environmentError(NAME, `${where} is not a list of objects`);
  return value;
}

/**
 * Process mode: `{"inbound":[{"listen":"127.0.0.1:21001","port":8080,"dial":"127.0.0.1:31001"}],
 * "outbound":[{"listen":"127.0.0.1:24001","destination":"10.96.0.5:8080"}]}`. Undefined where absent.
 */
export function parseListen(text: string | undefined): ListenConfig | undefined {
  if (text === undefined) return undefined;
  const value = parseJson(NAME, text);
  if (!isRecord(value)) throw environmentError(NAME, 'is not a JSON object');
  const unknown = Object.keys(value).find((key) => key !== 'inbound' && key !== 'outbound');
  if (unknown !== undefined) throw environmentError(NAME, `has an unknown field ${unknown}`);
  return {
    inbound: entries(value['inbound'], 'inbound').map((entry, i) => {
      const { port } = entry;
      if (!isPort(port)) throw environmentError(NAME, `inbound[${i}].port is not a port`);
      const listen = address(entry['listen'], `inbound[${i}].listen`, 0);
      return { listen, fixed: { port, dial: address(entry['dial'], `inbound[${i}].dial`, 1) } };
    }),
    outbound: entries(value['outbound'], 'outbound').map((entry, i) => ({
      listen: address(entry['listen'], `outbound[${i}].listen`, 0),
      fixed: address(entry['destination'], `outbound[${i}].destination`, 1),
    })),
  };
}
