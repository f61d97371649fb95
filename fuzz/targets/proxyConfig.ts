import { WeftError } from '../../core/errors/index.ts';
import { compileAuthorizer, isPolicyInvalid } from '../../core/evaluate/index.ts';
import { parseDirectory, parseProxyConfig } from '../../core/proxyConfig/index.ts';
import { buildDestinations } from '../../proxy/outbound/destinations.ts';
import type { Target } from '../engine/target.ts';
import { holds } from './check.ts';

const HASH = 'h';
const workload = { kind: 'deployment', namespace: 'shop', name: 'cart' };
const policy = {
  mtls: { mode: 'Permissive', ports: { 9000: 'Strict' } },
  authorization: {
    default: 'Deny',
    policies: ['shop/cart'],
    rules: [
      {
        policy: 'shop/cart',
        name: '#0',
        action: 'Allow',
        from: [{ principals: ['spiffe://a/*'], ipBlocks: ['10.0.0.0/8', '::1'] }],
        to: [{ methods: ['GET'], paths: ['/a*'], hosts: ['*.b'], notPorts: [1] }],
      },
    ],
  },
};
const head = { version: 'weft.dev/proxy/v1', epoch: 1, revision: '1', hash: HASH };
const endpoint = {
  address: '10.0.0.1',
  port: 80,
  state: 'Ready',
  wire: 'weft-tcp/1',
  identity: 'spiffe://a/b',
};
const config = {
  ...head,
  workload,
  resources: { 'MeshPolicy/shop/cart': { uid: 'u', generation: 1 } },
  trust: { trustDomain: 'cluster.local' },
  telemetry: { accessLog: 'All' },
  settings: { logLevel: 'Info', connectTimeoutMs: 1, idleTimeoutMs: 1, drainMs: 0 },
  sections: [{ labels: { app: 'cart' }, inbound: policy, shadow: policy, protocols: { 8080: 'Http' } }],
  services: [
    {
      hash: 'x',
      namespace: 'shop',
      name: 'web',
      addresses: ['10.96.0.1'],
      hosts: ['web'],
      ports: [{ port: 80, protocol: 'Auto', endpoints: [endpoint] }],
    },
  ],
};
const directory = {
  ...head,
  services: [
    {
      namespace: 'shop',
      name: 'web',
      addresses: ['10.96.0.1', 'fd00::1'],
      ports: [{ port: 80, protocol: 'Tcp' }],
      identities: ['spiffe://a/b'],
    },
  ],
};

/** What a reader gives; undefined where it refuses the document as it should: with a code, and nothing half taken. */
function taken<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WeftError) holds(error.code.startsWith('DOCUMENT_'), `code ${error.code}`);
    else if (!isPolicyInvalid(error)) throw error;
    return undefined;
  }
}

/** The documents a proxy reads: refused with a reason, or taken whole. */
export const target: Target = {
  name: 'proxy-config',
  maxBytes: 8192,
  seeds: [JSON.stringify(config), JSON.stringify(directory)],
  dictionary: [
    'null', 'true', '[]', '{}', '""', '-1', '1e999', '0', '65536', '"__proto__":', '"constructor":', '"Deny"', '"Allow"', '"*"',
    '"shadow":', '"10.0.0.0/33"', '"::/0"', '"wire":"weft/1"', '\\u0000', '\\ud800', '"ports":', '"rules":', '"notPaths":',
  ], // prettier-ignore
  run(data) {
    const text = data.toString('utf8');
    const document = taken(() => parseProxyConfig(text, () => HASH));
    const services = taken(() => parseDirectory(text, () => HASH));
    if (document === undefined) return;
    taken(() => document.sections.map((section) => compileAuthorizer(section)));
    taken(() => buildDestinations(document, services));
  },
};
