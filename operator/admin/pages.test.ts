import { describe, expect, test } from 'vitest';
import type { CompiledDocument, Changes } from '../../core/compile/index.ts';
import type { DocumentPage, ProxiesPage, ProxyStatus, Report } from '../../core/control/index.ts';
import type { PodModel, Snapshot } from '../../core/model/index.ts';
import type { ConfigSource } from '../control/types.ts';
import { AdminPages, type PagesOptions } from './pages.ts';
import { proxyStatus, type Facts } from './proxies.ts';

const NOW = Date.UTC(2026, 10, 21, 21);

const pod = (name: string, change: Partial<PodModel> = {}): PodModel => ({
  namespace: 'shop',
  name,
  uid: `uid-${name}`,
  ips: [],
  labels: {},
  annotations: {},
  serviceAccount: 'cart',
  phase: 'Running',
  terminating: false,
  workload: { kind: 'deployment', namespace: 'shop', name: 'cart' },
  proxy: { wires: ['weft/1'], started: true },
  ports: [],
  ...change,
});

const report = (hash: string | undefined, change: Partial<Report> = {}): Report => ({
  version: 'weft.dev/control/v1',
  pod: { namespace: 'shop', name: 'cart-1', uid: 'uid-cart-1' },
  workload: { kind: 'deployment', name: 'cart' },
  proxyVersion: '0.1.0',
  ...(hash === undefined
    ? {}
    : { inForce: { epoch: 1, revision: '9', hash, since: '2026-11-21T20:59:00Z', resources: {} } }),
  ...change,
});

const heard = (hash: string | undefined, change: object = {}) => ({
  report: report(hash),
  connected: true,
  responsive: true,
  receivedAt: NOW - 1_000,
  ...change,
});

const refused = {
  epoch: 1,
  revision: '10',
  hash: 'c',
  code: 'DOCUMENT_INVALID',
  field: 'services',
  message: 'no',
};
const facts: Facts = { pod: pod('cart-1'), known: heard('a'), wanted: { hash: 'a', since: 0 }, now: NOW };

describe('condition of a proxy', () => {
  test.each<[string, Partial<Facts>, ProxyStatus['condition'], string?]>([
    ['runs what it should', {}, 'Current'],
    [
      'got another document a moment ago',
      { wanted: { hash: 'b', since: NOW - 300 } },
      'Updating',
      'its document changed 300 ms ago',
    ],
    [
      'runs an older document',
      { wanted: { hash: 'b', since: NOW - 2_001 } },
      'Late',
      'runs an older document',
    ],
    [
      'does not answer, though it runs what it should',
      { known: heard('a', { responsive: false }) },
      'Late',
      'does not answer',
    ],
    ['reconnects', { known: heard('a', { connected: false }) }, 'Current'],
    [
      'is away for long',
      { known: heard('a', { connected: false, receivedAt: NOW - 16_000 }) },
      'Late',
      'is not connected; heard 16 s ago',
    ],
    ['never said anything', { known: undefined }, 'Late', 'has not said anything yet'],
    [
      'has not started',
      { known: undefined, pod: pod('cart-1', { proxy: { wires: [], started: false } }) },
      'Starting',
      'has not started yet',
    ],
    [
      'is of a pending pod',
      { known: undefined, pod: pod('cart-1', { phase: 'Pending' }) },
      'Starting',
      'has not started yet',
    ],
    ['has no document', { wanted: undefined }, 'Updating', 'its workload has no document yet'],
    [
      'refused a document',
      {
        known: {
          ...heard('a'),
          report: report('a', { refused: { ...refused, since: '2026-11-21T20:59:59Z' } }),
        },
      },
      'Refused',
      'DOCUMENT_INVALID services: no',
    ],
  ])('%s', (_, change, ...verdict) => {
    const { condition, reason } = proxyStatus({ ...facts, ...change });
    expect([condition, reason]).toEqual([verdict[0], verdict[1]]);
  });

  test('says when it was heard, and since when it should run what it should', () => {
    expect(proxyStatus({ ...facts, wanted: { hash: 'a', since: NOW - 60_000 } })).toEqual({
      pod: { namespace: 'shop', name: 'cart-1', uid: 'uid-cart-1' },
      workload: { kind: 'deployment', name: 'cart' },
      condition: 'Current',
      connected: true,
      responsive: true,
      heardAt: '2026-11-21T21:00:00.000Z',
      proxyVersion: '0.1.0',
      inForce: { epoch: 1, revision: '9', hash: 'a', since: '2026-11-21T20:59:00Z', resources: {} },
      wanted: { hash: 'a', since: '2026-11-21T20:59:00.000Z' },
    });
  });
});

const part = (name: string) => ({ hash: `hash-${name}`, text: `{"is":"${name}"}` });

const document = (hash: string): CompiledDocument => ({
  workload: {
    kind: 'deployment',
    namespace: 'shop',
    name: 'cart',
    apiVersion: 'apps/v1',
    kindName: 'Deployment',
    uid: 'u',
  },
  hash,
  resources: { 'MeshPolicy/shop/cart': { uid: 'p', generation: 3 } },
  parts: {
    policy: part('policy'),
    trust: part('trust'),
    telemetry: part('telemetry'),
    settings: part('settings'),
  },
  services: new Map([['shop/catalog', part('catalog')]]),
});

function source() {
  const documents = new Map([['deployment/shop/cart', document('a')]]);
  const listeners = new Set<(changes: Changes) => void>();
  const fixed: ConfigSource = {
    document: (workload) => documents.get(workload),
    directory: () => ({ hash: 'd', services: new Map([['shop/cart', part('cart')]]), outside: undefined }),
    position: () => ({ epoch: 2, revision: '17' }),
    directoryPosition: () => ({ epoch: 2, revision: '17' }),
    use: () => new Map(),
    remember: () => undefined,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const set = (hash: string): void => {
    documents.set('deployment/shop/cart', document(hash));
    for (const listener of listeners)
      listener({ documents: new Set(['deployment/shop/cart']), directories: new Set() });
  };
  return { fixed, set };
}

function pages(pods: readonly PodModel[], change: Partial<PagesOptions> = {}) {
  const { fixed, set } = source();
  const snapshot = {
    pods: new Map(pods.map((one) => [`${one.namespace}/${one.name}`, one])),
  } as unknown as Snapshot;
  const admin = new AdminPages({
    replica: 'weft-operator-1',
    source: fixed,
    snapshot: () => snapshot,
    known: (uid) => (uid === 'uid-cart-1' ? heard('a') : undefined),
    leadership: () => ({ leading: true }),
    now: () => NOW,
    ...change,
  });
  const get = <T>(path: string) => {
    const { status, text } = admin.answer(path);
    return { status, page: JSON.parse(text) as T };
  };
  return { get, set };
}

describe('/proxies', () => {
  const many = [
    pod('cart-2'),
    pod('cart-1'),
    pod('cart-3', { terminating: true }),
    pod('cart-4', { phase: 'Succeeded' }),
    { ...pod('plain'), proxy: undefined } as unknown as PodModel,
    pod('web-1', { namespace: 'web' }),
  ];

  test('tells of the pods with a proxy that are not on their way out, by their names', () => {
    const { page } = pages(many).get<ProxiesPage>('/proxies');
    expect(page).toMatchObject({ leads: true, replica: 'weft-operator-1', at: '2026-11-21T21:00:00.000Z' });
    expect(page.proxies.map(({ pod: { name }, condition }) => [name, condition])).toEqual([
      ['cart-1', 'Current'],
      ['cart-2', 'Late'],
      ['web-1', 'Late'],
    ]);
  });

  test('is read in parts, each pod once', () => {
    const { get } = pages(many);
    const seen: string[] = [];
    let after: string | undefined = '';
    while (after !== undefined) {
      const { page }: { page: ProxiesPage } = get<ProxiesPage>(`/proxies?limit=1&after=${after}`);
      seen.push(...page.proxies.map(({ pod: { name } }) => name));
      after = page.next;
    }
    expect(seen).toEqual(['cart-1', 'cart-2', 'web-1']);
  });

  test('of one namespace', () => {
    const { page } = pages(many).get<ProxiesPage>('/proxies?namespace=web');
    expect(page.proxies.map(({ pod: { name } }) => name)).toEqual(['web-1']);
  });

  test('a document that changes makes a proxy late only after a while', () => {
    let now = NOW;
    const { get, set } = pages(many, { now: () => now });
    set('b');
    const condition = () => get<ProxiesPage>('/proxies').page.proxies[0]!.condition;
    expect(condition()).toBe('Updating');
    now += 2_001;
    expect(condition()).toBe('Late');
    set('a');
    expect(condition()).toBe('Current');
  });

  test('a replica that does not lead says who does', () => {
    const leadership = () => ({ leading: false, pod: 'weft-operator-2' });
    expect(pages(many, { leadership }).get('/proxies').page).toEqual({
      leads: false,
      replica: 'weft-operator-1',
      leader: 'weft-operator-2',
    });
  });

  test.each(['0', 'x', '1.5', '-1'])('refuses a limit of %s', (limit) => {
    expect(pages(many).get(`/proxies?limit=${limit}`).status).toBe(400);
  });
});

describe('/documents', () => {
  test('tells what a workload should run by its parts', () => {
    const { page } = pages([]).get<DocumentPage>('/documents/deployment/shop/cart');
    expect(page).toEqual({
      workload: 'deployment/shop/cart',
      epoch: 2,
      revision: '17',
      hash: 'a',
      resources: { 'MeshPolicy/shop/cart': { uid: 'p', generation: 3 } },
      parts: {
        policy: 'hash-policy',
        trust: 'hash-trust',
        telemetry: 'hash-telemetry',
        settings: 'hash-settings',
      },
      services: { 'shop/catalog': 'hash-catalog' },
      directory: { hash: 'd', services: 1 },
    });
  });

  test.each([
    ['policy', 200],
    ['services/shop/catalog', 200],
    ['services/shop/other', 404],
    ['toString', 404],
    ['services', 404],
  ])('its %s: %i', (name, status) => {
    expect(pages([]).get(`/documents/deployment/shop/cart/${name}`).status).toBe(status);
  });

  test.each([
    '/documents/deployment/shop/other',
    '/documents/x',
    '/nothing',
    '//',
    '/documents/%E0%A4%A/a/b',
  ])('nothing is at %s', (path) => {
    expect(pages([]).get(path).status).toBe(404);
  });
});
