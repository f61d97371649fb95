import { describe, expect, it } from 'vitest';
import { policy, snapshotOf } from '../../sources/testing/mesh.ts';
import type { Manifest } from '../../sources/index.ts';
import { PolicyBook, type LabelledPolicy } from './policyBook.ts';

const facts = { systemNamespace: 'weft-system', trustDomain: 'cluster.local' };
const policies = (...manifests: Manifest[]) => snapshotOf(...manifests).policies;
const strict = (app: string, generation = 1) =>
  policy(app, { mtls: { mode: 'Strict' }, selector: { matchLabels: { app } } }, { generation });

function bookOf(...manifests: Manifest[]): PolicyBook {
  const book = new PolicyBook(facts);
  book.update(policies(...manifests));
  return book;
}
const modes = (book: PolicyBook, ...apps: string[]) =>
  apps.map((app) => book.of('shop', { app }).inbound.mtls.mode);

describe('what holds for labels', () => {
  it('is one value for all pods of a template, whatever controllers add', () => {
    const book = bookOf(strict('cart'));
    const one = book.of('shop', { app: 'cart', 'pod-template-hash': 'a' });
    expect(book.of('shop', { 'pod-template-hash': 'b', app: 'cart' })).toBe(one);
    expect(book.of('bank', { app: 'cart' })).not.toBe(one);
  });

  it('is another one where a policy selects them now, or did before, and nowhere else', () => {
    const book = bookOf(strict('cart'));
    expect(modes(book, 'cart', 'web', 'db')).toEqual(['Strict', 'Permissive', 'Permissive']);
    const [cart, web, db] = ['cart', 'web', 'db'].map((app) => book.of('shop', { app }));
    const moved = policy(
      'cart',
      { mtls: { mode: 'Strict' }, selector: { matchLabels: { app: 'web' } } },
      { generation: 2 },
    );
    expect(book.update(policies(moved))).toEqual(new Set([cart, web]));
    expect(modes(book, 'cart', 'web', 'db')).toEqual(['Permissive', 'Strict', 'Permissive']);
    expect(book.of('shop', { app: 'db' })).toBe(db);
  });

  it('stays where the policy comes again, or only its status is another', () => {
    const book = bookOf(strict('cart'));
    const cart = book.of('shop', { app: 'cart' });
    const [known] = policies(strict('cart'));
    expect(book.update(policies(strict('cart'))).size).toBe(0);
    expect(book.update([{ ...known!, status: { applied: '1/1' } }]).size).toBe(0);
    expect(book.of('shop', { app: 'cart' })).toBe(cart);
  });

  it('counts a generation, since documents name it', () => {
    const book = bookOf(strict('cart'));
    const cart = book.of('shop', { app: 'cart' });
    expect(book.update(policies(strict('cart', 2)))).toEqual(new Set([cart]));
  });
});

it('labels that no pod has any more are forgotten, when they have become many', () => {
  const book = bookOf(strict('cart'));
  const used: LabelledPolicy = book.of('shop', { app: 'cart' });
  const inUse = () => new Set([used]);
  for (let index = 0; index < 5_000; index += 1) {
    book.of('shop', { run: `${index}` });
    book.prune(inUse);
    expect(book.size).toBeLessThanOrEqual(1_001);
  }
  expect(book.of('shop', { app: 'cart' })).toBe(used);
});
