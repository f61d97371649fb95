/** Documents of our proxies, as the operator writes them. */
import { createHash } from 'node:crypto';
import {
  canonicalJson,
  DOCUMENT_VERSION,
  sealDirectory,
  sealDocument,
  type Directory,
  type Endpoint,
  type Protocol,
  type ProxyConfig,
  type Rule,
  type Section,
  type Service,
} from '../../core/proxyConfig/index.ts';

/** How our proxies speak to each other. */
export const WIRE: NonNullable<Endpoint['wire']> = 'weft/1';

export const NAMESPACE = 'bench';
export const TRUST_DOMAIN = 'cluster.local';
export const WORKLOAD_PORT = 8080;
export const SERVICE_ADDRESS = '10.96.0.10';
export const identityOf = (account: string) => `spiffe://${TRUST_DOMAIN}/ns/${NAMESPACE}/sa/${account}`;

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** The same decisions that the peers make by ACLs: two denied prefixes, three allowed methods. */
const HTTP_RULES: Rule[] = [
  { policy: 'bench/server', name: 'internal', action: 'Deny', to: [{ paths: ['/admin*', '/internal*'] }] },
  { policy: 'bench/server', name: 'methods', action: 'Allow', to: [{ methods: ['GET', 'HEAD', 'POST'] }] },
];

/** Bytes have no path and no method: who calls which port is all there is to judge. */
const TCP_RULES: Rule[] = [
  {
    policy: 'bench/server',
    name: 'client',
    action: 'Allow',
    from: [{ principals: [identityOf('client')] }],
    to: [{ ports: [WORKLOAD_PORT] }],
  },
];

export interface DocumentOptions {
  account: string;
  protocol: Protocol;
  /** Loopback port of the server side's proxy, where the client side's finds its peer. */
  peerPort: number;
  /** Further services in the document, which nobody calls. */
  otherServices?: number;
  /** Services of the mesh, which the directory lists; absent: those of the document. */
  meshServices?: number;
}

function section({ account, protocol }: DocumentOptions): Section {
  return {
    labels: { app: account },
    inbound: {
      mtls: { mode: 'Permissive', ports: {} },
      authorization: {
        default: 'Deny',
        policies: ['bench/server'],
        rules: protocol === 'Tcp' ? TCP_RULES : HTTP_RULES,
      },
    },
    protocols: { [String(WORKLOAD_PORT)]: protocol },
  };
}

interface ServiceOptions {
  name: string;
  address: string;
  protocol: Protocol;
  endpoints: { address: string; port: number }[];
}

function service({ name, address, protocol, endpoints }: ServiceOptions): Service {
  const identity = identityOf(name);
  const part = {
    namespace: NAMESPACE,
    name,
    addresses: [address],
    hosts: [
      name,
      `${name}.${NAMESPACE}`,
      `${name}.${NAMESPACE}.svc`,
      `${name}.${NAMESPACE}.svc.cluster.local`,
    ],
    ports: [
      {
        port: WORKLOAD_PORT,
        protocol,
        endpoints: endpoints.map((at) => ({ ...at, state: 'Ready' as const, wire: WIRE, identity })),
      },
    ],
  };
  return { hash: hash(canonicalJson(part)), ...part };
}

/** Three endpoints each, as a workload of a usual size has. */
const otherService = (index: number): Service => {
  const at = (net: number) => `10.${net}.${index >> 8}.${index & 255}`;
  return service({
    name: `other-${index}`,
    address: at(97),
    protocol: 'Http',
    endpoints: [128, 129, 130].map((net) => ({ address: at(net), port: 8080 })),
  });
};

function servicesOf({ protocol, peerPort, otherServices = 0 }: DocumentOptions): Service[] {
  const server = service({
    name: 'server',
    address: SERVICE_ADDRESS,
    protocol,
    endpoints: [{ address: '127.0.0.1', port: peerPort }],
  });
  return [server, ...Array.from({ length: otherServices }, (_, index) => otherService(index))];
}

export function configText(options: DocumentOptions): string {
  const document: ProxyConfig = {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '1',
    hash: '',
    workload: { kind: 'deployment', namespace: NAMESPACE, name: options.account },
    resources: {},
    trust: { trustDomain: TRUST_DOMAIN },
    telemetry: { accessLog: 'All' },
    settings: { logLevel: 'Warn', connectTimeoutMs: 5000, idleTimeoutMs: 3_600_000, drainMs: 1000 },
    sections: [section(options)],
    services: servicesOf(options),
  };
  return JSON.stringify(sealDocument(document, hash));
}

/** Lists the services as a mesh does: all of them, without endpoints. */
export function directoryText({ otherServices = 0, meshServices }: DocumentOptions): string {
  const directory: Directory = {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '1',
    hash: '',
    services: Array.from({ length: meshServices ?? otherServices }, (_, index) => otherService(index))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ namespace, name, addresses }) => ({
        namespace,
        name,
        addresses,
        ports: [{ port: WORKLOAD_PORT, protocol: 'Http' as const }],
        identities: [identityOf(name)],
      })),
  };
  return JSON.stringify(sealDirectory(directory, hash));
}
