/** The only reader of process.env in the init container. */
import { parseBlock, type IpBlock } from '../../core/evaluate/addresses.ts';
import { environmentError } from '../environmentError.ts';

export interface InitEnvironment {
  outboundPort: number;
  inboundPort: number;
  excludeInboundPorts: readonly number[];
  excludeOutboundPorts: readonly number[];
  excludeOutboundCidrs: readonly IpBlock[];
}

type Variables = Readonly<Record<string, string | undefined>>;

const MAX_ENTRIES = 1024;

function list(variables: Variables, name: string): string[] {
  const items = (variables[name] ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length > MAX_ENTRIES) throw environmentError(name, `has more than ${MAX_ENTRIES} entries`);
  return items;
}

function port(name: string, text: string): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 65_535) throw environmentError(name, `holds ${JSON.stringify(text)}, no port`);
  return value;
}

const ports = (variables: Variables, name: string) => list(variables, name).map((text) => port(name, text));

function blocks(variables: Variables, name: string): IpBlock[] {
  return list(variables, name).map((text) => {
    const block = parseBlock(text);
    if (!block) throw environmentError(name, `holds ${JSON.stringify(text)}, neither an address nor a CIDR`);
    return block;
  });
}

/** Reads and checks all variables. Throws WeftError ENVIRONMENT_INVALID that names the first wrong one. */
export function readInitEnvironment(variables: Variables = process.env): InitEnvironment {
  const single = (name: string, otherwise: string) => port(name, variables[name] || otherwise);
  return {
    outboundPort: single('WEFT_OUTBOUND_PORT', '15001'),
    inboundPort: single('WEFT_INBOUND_PORT', '15006'),
    excludeInboundPorts: ports(variables, 'WEFT_EXCLUDE_INBOUND_PORTS'),
    excludeOutboundPorts: ports(variables, 'WEFT_EXCLUDE_OUTBOUND_PORTS'),
    excludeOutboundCidrs: blocks(variables, 'WEFT_EXCLUDE_OUTBOUND_CIDRS'),
  };
}
