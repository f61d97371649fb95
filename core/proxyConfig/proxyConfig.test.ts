import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeftError } from '../errors/index.ts';
import {
  canonicalJson,
  compareRevision,
  contentOf,
  DOCUMENT_VERSION,
  labelsKey,
  parseDirectory,
  parseProxyConfig,
  templateLabels,
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
  document.hash = hash(contentOf(document));
  return JSON.stringify(document);
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
    [documentOf({ services: [{ hash: 'x' }] }), 'DOCUMENT_INVALID', 'services[0].namespace'],
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
