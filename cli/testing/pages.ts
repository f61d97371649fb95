/** Pages of one proxy of the shop, and of an operator that wants what it runs. */
import { createHash } from 'node:crypto';
import type { DocumentPage, ProxyStatus } from '../../core/control/index.ts';
import {
  canonicalJson,
  DOCUMENT_VERSION,
  PART_NAMES,
  partsOf,
  sealDirectory,
  sealDocument,
  serviceKey,
  type ProxyConfig,
  type Service,
} from '../../core/proxyConfig/index.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const service = (namespace: string, name: string, ready: boolean): Service => ({
  hash: '-',
  namespace,
  name,
  addresses: ['10.96.0.7'],
  hosts: [name],
  ports: [
    {
      port: 8080,
      protocol: 'Http',
      endpoints: [
        {
          address: '10.244.1.5',
          port: 8080,
          state: ready ? 'Ready' : 'NotReady',
          wire: 'weft/1',
          identity: 'spiffe://c/ns/shop/sa/catalog',
        },
        {
          address: '10.244.1.6',
          port: 8080,
          state: 'Ready',
          wire: 'weft/1',
          identity: 'spiffe://c/ns/shop/sa/catalog',
        },
      ],
    },
  ],
});

export const shopDocument = ({
  ready = true,
  services = ['shop/catalog', 'bank/ledger'],
} = {}): ProxyConfig =>
  sealDocument(
    {
      version: DOCUMENT_VERSION,
      epoch: 1,
      revision: '417',
      workload: { kind: 'deployment', namespace: 'shop', name: 'cart' },
      resources: { 'MeshPolicy/shop/cart': { uid: 'p', generation: 3 } },
      trust: { trustDomain: 'cluster.local' },
      telemetry: { accessLog: 'All' },
      settings: { logLevel: 'Info', connectTimeoutMs: 1000, idleTimeoutMs: 1000, drainMs: 1000 },
      sections: [section],
      services: services.map((key) => {
        const [namespace = '', name = ''] = key.split('/');
        return service(namespace, name, ready);
      }),
    } satisfies Omit<ProxyConfig, 'hash'>,
    hash,
  );

const section: ProxyConfig['sections'][number] = {
  labels: {},
  protocols: {},
  inbound: {
    mtls: { mode: 'Strict', ports: { '9000': 'Permissive' }, policy: 'shop/strict' },
    authorization: {
      default: 'Deny',
      policies: ['shop/cart'],
      rules: [
        {
          policy: 'shop/cart',
          name: 'web',
          action: 'Allow',
          from: [{ principals: ['spiffe://cluster.local/ns/shop/sa/web'] }],
          to: [{ methods: ['GET'], paths: ['/cart'] }],
        },
      ],
    },
  },
};

const directory = sealDirectory(
  {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '417',
    services: [
      {
        namespace: 'bank',
        name: 'ledger',
        addresses: ['10.96.0.7'],
        ports: [{ port: 8080, protocol: 'Http' as const }],
        identities: ['spiffe://c/ns/bank/sa/l'],
      },
      {
        namespace: 'bank',
        name: 'vault',
        addresses: ['10.96.0.9'],
        ports: [{ port: 9000, protocol: 'Tcp' as const }],
        identities: [],
        hidden: true,
      },
      {
        namespace: 'post',
        name: 'mail',
        addresses: ['10.96.0.8'],
        ports: [{ port: 25, protocol: 'Tcp' as const }],
        identities: ['spiffe://c/ns/post/sa/m'],
      },
    ],
  },
  hash,
);

const certificate = (subject: string, alternative: string | null) => ({
  subject,
  subjectAltName: alternative,
  issuer: 'CN=weft',
  serial: '0a1b',
  notBefore: '2026-11-21T00:00:00.000Z',
  notAfter: '2036-11-22T00:00:00.000Z',
  sha256: 'AA',
});

/** Admin pages of the proxy that runs `document`. */
export const proxyPages =
  (document: ProxyConfig | null, refused: object[] = []) =>
  (path: string): unknown => {
    const pages: Record<string, unknown> = {
      '/config': {
        inForceSince: document ? '2026-11-21T20:00:00.000Z' : null,
        inForce: document && {
          source: 'stream',
          position: { epoch: document.epoch, revision: document.revision, hash: document.hash },
          parts: { ...documentPage(document).parts, services: documentPage(document).services },
        },
        directoryInForce: { source: 'file', position: { epoch: 1, revision: '417', hash: directory.hash } },
        refused,
        section: document ? section : null,
        document,
        directory,
      },
      '/certificates': {
        inUse: {
          spiffeId: 'spiffe://cluster.local/ns/shop/sa/cart',
          chain: [
            certificate('', 'URI:spiffe://cluster.local/ns/shop/sa/cart'),
            certificate('CN=intermediate', null),
          ],
          roots: [certificate('CN=root', null)],
        },
        refused: null,
      },
      '/stats': { version: '0.1.0', control: { connected: false } },
    };
    return pages[path] ?? 404;
  };

/** The operator's page about it, were `document` what it wants. */
export const documentPage = (document: ProxyConfig): DocumentPage => {
  const values = partsOf(document);
  return {
    workload: 'deployment/shop/cart',
    epoch: 1,
    revision: '418',
    hash: document.hash,
    resources: document.resources,
    parts: Object.fromEntries(PART_NAMES.map((name) => [name, hash(canonicalJson(values[name]))])),
    services: Object.fromEntries(document.services.map((one) => [serviceKey(one), one.hash])),
    directory: { hash: directory.hash, services: directory.services.length },
  };
};

/** A replica that leads. */
export const operatorPages =
  (document: ProxyConfig, proxies: readonly ProxyStatus[] = []) =>
  (path: string): unknown => {
    const at = '/documents/deployment/shop/cart';
    if (path === at) return documentPage(document);
    if (path === `${at}/policy`) return partsOf(document).policy;
    const found = document.services.find((one) => path === `${at}/services/${serviceKey(one)}`);
    if (found) return found;
    if (!path.startsWith('/proxies')) return 404;
    const after = new URL(path, 'http://localhost').searchParams.get('after');
    const begin =
      after === null ? 0 : proxies.findIndex(({ pod }) => `${pod.namespace}/${pod.name}` === after) + 1;
    const shown = proxies.slice(begin, begin + 2);
    const last = shown.at(-1);
    return {
      leads: true,
      replica: 'weft-operator-1',
      at: '2026-11-21T21:00:00.000Z',
      proxies: shown,
      ...(last && begin + 2 < proxies.length ? { next: `${last.pod.namespace}/${last.pod.name}` } : {}),
    };
  };
