import { describe, expect, it } from 'vitest';
import {
  hash,
  meshConfig,
  namespace,
  pod,
  policy,
  service,
  slice,
  snapshotOf,
  workload,
} from '../../sources/testing/mesh.ts';
import type { Manifest } from '../../sources/index.ts';
import { Compiler } from './index.ts';
import { largeMesh, withEndpoint } from './testing/largeMesh.ts';

const CART = 'deployment/shop/cart';
const shop: Manifest[] = [
  namespace('shop'),
  workload('cart', { labels: { app: 'cart' }, account: 'cart' }),
  service('cart'),
];
const bank: Manifest[] = [
  namespace('bank'),
  workload('teller', { namespace: 'bank', labels: { app: 'teller' }, account: 'teller' }),
  service('teller', { namespace: 'bank', ip: '10.96.9.9' }),
  pod('teller-1', { namespace: 'bank', labels: { app: 'teller' }, account: 'teller', ip: '10.1.9.9' }),
  slice('teller', [{ address: '10.1.9.9', pod: 'teller-1' }], { namespace: 'bank' }),
];

function compile(...manifests: Manifest[]): Compiler {
  const compiler = new Compiler({ hash });
  compiler.take(snapshotOf(...manifests));
  return compiler;
}
const servicesOf = (compiler: Compiler, key = CART) => [
  ...(compiler.documents.get(key)?.services.keys() ?? []),
];

describe('services in use', () => {
  it('are in the document while they are there, and come back by themselves', () => {
    const compiler = compile(...shop, ...bank);
    expect([...compiler.use(CART, new Set(['bank/teller', 'bank/none'])).documents]).toEqual([CART]);
    expect(servicesOf(compiler)).toEqual(['bank/teller', 'shop/cart']);
    compiler.take(snapshotOf(...shop));
    expect(servicesOf(compiler)).toEqual(['shop/cart']);
    expect([...compiler.take(snapshotOf(...shop, ...bank)).documents]).toContain(CART);
    expect(servicesOf(compiler)).toEqual(['bank/teller', 'shop/cart']);
    expect([...compiler.use(CART, new Set()).documents]).toEqual([CART]);
    expect(servicesOf(compiler)).toEqual(['shop/cart']);
  });

  it('may be told before the workload is there, and are not lost while it is not', () => {
    const compiler = new Compiler({ hash });
    expect(compiler.use(CART, new Set(['bank/teller'])).documents.size).toBe(0);
    compiler.take(snapshotOf(...shop, ...bank));
    expect(servicesOf(compiler)).toEqual(['bank/teller', 'shop/cart']);
    compiler.take(snapshotOf(...bank));
    expect(compiler.documents.has(CART)).toBe(false);
    compiler.take(snapshotOf(...shop, ...bank));
    expect(servicesOf(compiler)).toEqual(['bank/teller', 'shop/cart']);
  });

  it('that are said again change nothing', () => {
    const compiler = compile(...shop, ...bank);
    compiler.use(CART, new Set(['bank/teller']));
    expect(compiler.use(CART, new Set(['bank/teller'])).documents.size).toBe(0);
  });

  it('are one part for all who use them', () => {
    const compiler = compile(...shop, ...bank, workload('web', { labels: { app: 'web' } }));
    compiler.use(CART, new Set(['bank/teller']));
    compiler.use('deployment/shop/web', new Set(['bank/teller']));
    const [one, other] = [CART, 'deployment/shop/web'].map((key) => compiler.documents.get(key)!.services);
    expect(one!.get('bank/teller')).toBe(other!.get('bank/teller'));
    expect(one!.get('shop/cart')).toBe(other!.get('shop/cart'));
  });
});

describe('what may be had', () => {
  const plain = [namespace('old', false), service('db', { namespace: 'old' })];
  const compiler = compile(...shop, ...bank, ...plain);

  it.each([
    ['bank/teller', 'Available'],
    ['shop/cart', 'Available'],
    ['bank/none', 'Unknown'],
    ['old/db', 'Unknown'],
    ['nonsense', 'Unknown'],
  ])('%s: %s', (name, expected) => {
    expect(compiler.availability('shop', name)).toBe(expected);
  });
});

describe('who sees a service', () => {
  const teller = (visibleTo: string | undefined, fields: object = {}) =>
    bank.map((each) =>
      each.kind === 'services'
        ? service('teller', {
            namespace: 'bank',
            ip: '10.96.9.9',
            ...fields,
            ...(visibleTo ? { visibleTo } : {}),
          })
        : each,
    );
  const own = meshConfig({ visibility: { default: 'Namespace' } });
  const entryIn = (compiler: Compiler, name: string) => {
    const part = compiler.directory(name).services.get('bank/teller');
    return part && (JSON.parse(part.text) as Record<string, unknown>);
  };

  it.each<[string, Manifest[], string[]]>([
    ['nothing is said', teller(undefined), ['bank', 'shop', 'web']],
    ['the default is the own namespace', [...teller(undefined), own], ['bank']],
    ['its word wins over the default', [...teller('*'), own], ['bank', 'shop', 'web']],
    ['its own namespace alone', teller('.'), ['bank']],
    ['namespaces by their names', teller('shop, other'), ['bank', 'shop']],
    ['its own and others', teller('.,web'), ['bank', 'web']],
    ['what cannot be read opens nothing', teller('shop;web'), ['bank']],
    ['everybody among others is no name', teller('shop,*'), ['bank']],
  ])('%s', (_name, manifests, expected) => {
    const compiler = compile(...shop, ...manifests);
    const names = ['bank', 'shop', 'web'];
    expect(names.filter((name) => compiler.availability(name, 'bank/teller') === 'Available')).toEqual(
      expected,
    );
    expect(names.filter((name) => entryIn(compiler, name)?.['hidden'] !== true)).toEqual(expected);
  });

  it('whoever may not is told its address and nothing to reach it by', () => {
    const compiler = compile(...shop, ...teller('.'));
    expect(entryIn(compiler, 'shop')).toEqual({
      namespace: 'bank',
      name: 'teller',
      addresses: ['10.96.9.9'],
      ports: [{ port: 80, protocol: 'Http' }],
      identities: [],
      hidden: true,
    });
  });

  it('of a headless service the addresses without mTLS are hidden too', () => {
    const bare = [
      pod('teller-2', { namespace: 'bank', ip: '10.1.9.8', proxy: false }),
      slice('teller', [{ address: '10.1.9.8', pod: 'teller-2' }], { namespace: 'bank', suffix: 'b' }),
      meshConfig({ outbound: { default: 'RegistryOnly' } }),
    ];
    const compiler = compile(...shop, ...teller('.', { ip: 'None' }), ...bare);
    expect(entryIn(compiler, 'shop')).toMatchObject({
      addresses: ['10.1.9.8', '10.1.9.9'],
      ports: [{ port: 8080, protocol: 'Http' }],
    });
    expect(compiler.directory('shop').outside?.has('bank/teller')).toBe(false);
    expect(compiler.directory('bank').outside?.has('bank/teller')).toBe(true);
  });

  it('a service in use leaves the documents of those who may not see it any more', () => {
    const compiler = compile(...shop, ...bank);
    compiler.use(CART, new Set(['bank/teller']));
    const { documents, directories } = compiler.take(snapshotOf(...shop, ...teller('.')));
    expect([[...documents], [...directories]]).toEqual([[CART], ['shop']]);
    expect(servicesOf(compiler)).toEqual(['shop/cart']);
  });

  it('namespaces that see the same share one directory', () => {
    const compiler = compile(...shop, ...teller('web'));
    expect(compiler.directory('shop')).toBe(compiler.directory('other'));
    expect(compiler.directory('bank')).toBe(compiler.directory('web'));
    expect(compiler.directory('bank')).not.toBe(compiler.directory('shop'));
  });
});

describe('a change of what everything is made from', () => {
  it('of the trust domain leaves nothing of the old one, nor of what went at the same moment', () => {
    const other = meshConfig({ trustDomain: 'mesh.example' });
    const compiler = compile(...shop, ...bank);
    compiler.take(
      snapshotOf(...bank, namespace('shop'), workload('cart', { labels: { app: 'cart' } }), other),
    );
    expect(servicesOf(compiler)).toEqual([]);
    expect(servicesOf(compiler, 'deployment/bank/teller')).toEqual(['bank/teller']);
    const texts = [...compiler.directory('shop').services.values()].map(({ text }) => text).join();
    expect(texts).toContain('spiffe://mesh.example/');
    expect(texts).not.toContain('cluster.local/ns');
  });

  it('a re-created owner is another document, though it says the same', () => {
    const compiler = compile(...shop);
    const again = shop.map((each) =>
      each.kind === 'deployments'
        ? workload('cart', { labels: { app: 'cart' }, account: 'cart', uid: 'again' })
        : each,
    );
    const { hash: before } = compiler.documents.get(CART)!;
    expect([...compiler.take(snapshotOf(...again)).documents]).toEqual([CART]);
    expect(compiler.documents.get(CART)).toMatchObject({ hash: before, workload: { uid: 'again' } });
  });
});

describe('a snapshot that cannot be compiled', () => {
  const objects = (...more: Manifest[]) => snapshotOf(...shop, ...bank, ...more);
  const strict = policy('p', { mtls: { mode: 'Strict' } });

  it.each([1, 2, 3, 5, 8, 13])('leaves nothing half done, wherever it failed: at hash %d', (failing) => {
    let left = Infinity;
    const compiler = new Compiler({
      hash: (text) => {
        left -= 1;
        if (left === 0) throw new Error('failed');
        return hash(text);
      },
    });
    compiler.take(objects());
    compiler.use(CART, new Set(['bank/teller']));
    left = failing;
    const config = meshConfig({ outbound: { default: 'RegistryOnly' } });
    const told = compiler.directory('shop');
    for (let round = 0; round < 2; round += 1) {
      expect(() => compiler.take(objects(strict, config, service('more')))).toThrow('failed');
      expect(compiler.directory('shop')).toBe(told);
      expect(compiler.availability('shop', 'bank/teller')).toBe('Available');
      left = failing;
    }
    left = Infinity;
    const without = snapshotOf(...bank, namespace('shop'), strict, config);
    const changes = compiler.take(without);
    const bankers = ['deployment/bank/teller', 'serviceaccount/bank/teller'];
    expect(changes.documents).toEqual(new Set([CART, ...bankers]));
    expect(changes.directories).toEqual(new Set(['bank', 'shop']));
    const anew = new Compiler({ hash });
    anew.take(without);
    const hashes = (each: Compiler) => [...each.documents].map(([key, document]) => [key, document.hash]);
    expect(hashes(compiler)).toEqual(hashes(anew));
    expect(compiler.directory('bank').hash).toBe(anew.directory('bank').hash);
  });
});

describe('the work of one change in a mesh of 1,000 services and 10,000 endpoints', () => {
  const size = { namespaces: 50, services: 20, endpoints: 10 };
  let hashed: string[] = [];
  const counting = (text: string): string => {
    hashed.push(text);
    return hash(text);
  };
  const compiler = new Compiler({ hash: counting });
  const first = largeMesh(size);
  compiler.take(first);
  const during = (work: () => unknown): { calls: number; bytes: number } => {
    hashed = [];
    work();
    return { calls: hashed.length, bytes: hashed.join('').length };
  };

  it('of an endpoint: its service, and the documents of those who have it', () => {
    compiler.use('deployment/ns-2/service-0', new Set(['ns-1/service-7']));
    const { calls, bytes } = during(() => {
      const { documents, directories } = compiler.take(withEndpoint(first, 'ns-1/service-7', false));
      expect([documents.size, directories.size]).toEqual([size.services + 1, 0]);
    });
    // the service by its two names, its entry, the lists of the namespace and of who uses it, and each document
    expect(calls).toBe(5 + size.services + 1);
    expect(bytes).toBeLessThan(20_000);
  });

  it('of a policy: the workloads that it selects, and what their services say', () => {
    const [strict] = snapshotOf(
      policy(
        'p',
        { mtls: { mode: 'Strict' }, selector: { matchLabels: { app: 'service-3' } } },
        { namespace: 'ns-4' },
      ),
    ).policies;
    const { calls } = during(() => {
      const { documents } = compiler.take({ ...first, revision: '3', policies: [strict!] });
      // the endpoint is back as well
      expect([...documents].filter((key) => key.startsWith('deployment/ns-4/'))).toEqual([
        'deployment/ns-4/service-3',
      ]);
    });
    expect(calls).toBeLessThan(50);
  });

  it('of nothing: none', () => {
    compiler.take(first);
    const copy = { ...first, revision: '5', services: new Map(first.services), pods: new Map(first.pods) };
    expect(during(() => compiler.take(copy))).toEqual({ calls: 0, bytes: 0 });
  });
});
