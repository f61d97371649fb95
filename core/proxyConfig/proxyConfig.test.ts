import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeftError } from '../errors/index.ts';
import {
  bestWire,
  canonicalJson,
  compareRevision,
  DOCUMENT_VERSION,
  labelsKey,
  parseDirectory,
  parseProxyConfig,
  sealDirectory,
  sealDocument,
  templateLabels,
  WIRES,
  type Directory,
  type ProxyConfig,
} from './index.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

function documentOf(change: Record<string, unknown> = {}): string {
  const document = {
    version: DOCUMENT_VERSION,
    epoch: 1,
    revision: '42',
    hash: '',
    workload: { kind: 'deployment', namespace: 'shop', name: 'cart' },
    resources: {},
    trust: { trustDomain: 'cluster.local' },
    telemetry: { accessLog: 'All' },
    settings: { logLevel: 'Info', connectTimeoutMs: 5000, idleTimeoutMs: 3600000, drainMs: 25000 },
    sections: [],
    services: [],
    ...change,
  } as ProxyConfig;
  return JSON.stringify(sealDocument(document, hash));
}

function refusal(read: () => unknown): WeftError {
  try {
    read();
  } catch (error) {
    if (error instanceof WeftError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('reading a document', () => {
  it('gives back what was written', () => {
    expect(parseProxyConfig(documentOf(), hash).workload.name).toBe('cart');
  });

  it.each([
    ['', 'DOCUMENT_INVALID', undefined],
    ['{"version":', 'DOCUMENT_INVALID', undefined],
    ['null', 'DOCUMENT_VERSION_UNKNOWN', 'version'],
    [documentOf({ version: 'weft.dev/proxy/v2' }), 'DOCUMENT_VERSION_UNKNOWN', 'version'],
    [documentOf({ epoch: 0 }), 'DOCUMENT_INVALID', 'epoch'],
    [documentOf({ revision: 'x' }), 'DOCUMENT_INVALID', 'revision'],
    [documentOf({ surprise: 1 }), 'DOCUMENT_INVALID', 'surprise'],
    [
      JSON.stringify({ ...JSON.parse(documentOf()), services: [{ hash: 'x' }] }),
      'DOCUMENT_INVALID',
      'services[0].namespace',
    ],
    [documentOf().replace('cart', 'card'), 'DOCUMENT_HASH_MISMATCH', 'hash'],
  ])('refuses %s', (text, code, field) => {
    const error = refusal(() => parseProxyConfig(text, hash));
    expect([error.code, error.field]).toEqual([code, field]);
    expect(error.resource).toBe('config.json');
  });

  it('reads any text without any other error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(refusal(() => parseDirectory(text, hash)).code).toMatch(/^DOCUMENT_/);
      }),
    );
  });
});

describe('documents of a later version', () => {
  const later = { abilities: ['of a later version'] };
  const endpoint = {
    address: '10.1.0.1',
    port: 80,
    state: 'Ready',
    wire: 'weft/1',
    identity: 'spiffe://a/b',
  };
  const port = { port: 80, protocol: 'Http', endpoints: [{ ...endpoint, ...later }], ...later };
  const service = { hash: 'h', namespace: 'n', name: 's', addresses: [], hosts: [], ports: [port], ...later };

  it('tell more of services than is understood: read all the same', () => {
    const document = parseProxyConfig(documentOf({ services: [service] }), hash);
    expect(document.services[0]?.ports[0]?.endpoints[0]?.wire).toBe('weft/1');
  });

  it('tell more in the directory than is understood: read all the same', () => {
    const listed = { namespace: 'n', name: 's', addresses: ['10.96.0.1'], identities: [], ...later };
    const content = {
      version: DOCUMENT_VERSION,
      services: [{ ...listed, ports: [{ port: 80, protocol: 'Http', ...later }] }],
    };
    const ordered = { ...content, epoch: 1, revision: '1', hash: '' };
    const text = JSON.stringify(sealDirectory(ordered as unknown as Directory, hash));
    expect(parseDirectory(text, hash).services[0]?.wire).toBeUndefined();
  });

  const mtls = { mode: 'Strict', ports: {} };
  const authorization = { default: 'Deny', policies: [], rules: [] };
  const rule = { policy: 'n/p', name: '#0', action: 'Allow' };
  const section = (inbound: object) => ({ sections: [{ labels: {}, protocols: {}, inbound }] });
  it.each<[string, object]>([
    ['settings.abilities', { settings: { ...JSON.parse(documentOf()).settings, ...later } }],
    ['trust.abilities', { trust: { trustDomain: 'a', ...later } }],
    ['sections[0].inbound.mtls.abilities', section({ mtls: { ...mtls, ...later }, authorization })],
    [
      'sections[0].inbound.authorization.rules[0].abilities',
      section({ mtls, authorization: { ...authorization, rules: [{ ...rule, ...later }] } }),
    ],
  ])('ask for more than is understood at %s: refused whole', (field, change) => {
    expect(refusal(() => parseProxyConfig(documentOf({ ...change }), hash)).field).toBe(field);
  });
});

describe('wires', () => {
  it('are chosen best first, whatever the order in which a pod names them', () => {
    expect(bestWire(['weft-tcp/1', 'weft/1'])).toBe('weft/1');
    expect(bestWire(['weft/9', 'weft-tcp/1'])).toBe('weft-tcp/1');
    expect(bestWire(['weft/9'])).toBeUndefined();
  });

  it('of this version are among those that it understands', () => {
    expect(bestWire(WIRES)).toBe('weft/1');
  });
});

describe('canonical JSON', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('order of documents', () => {
  it('goes by epoch, then by revision as a number', () => {
    expect(compareRevision({ epoch: 1, revision: '9' }, { epoch: 1, revision: '10' })).toBeLessThan(0);
    expect(compareRevision({ epoch: 2, revision: '1' }, { epoch: 1, revision: '10' })).toBeGreaterThan(0);
    expect(compareRevision({ epoch: 1, revision: '010' }, { epoch: 1, revision: '10' })).toBe(0);
  });
});

describe('labels of a section', () => {
  it('leave out what controllers add, so that the template and its pods agree', () => {
    const template = { app: 'cart', version: 'v1' };
    const pod = {
      version: 'v1',
      'pod-template-hash': '5d9',
      app: 'cart',
      'batch.kubernetes.io/job-name': 'x',
      'apps.kubernetes.io/pod-index': '0',
    };
    expect(templateLabels(pod)).toEqual(template);
    expect(labelsKey(pod)).toBe(labelsKey(template));
    expect(labelsKey({ ...pod, app: 'web' })).not.toBe(labelsKey(template));
  });
});
