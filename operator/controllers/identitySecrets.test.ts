import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { createServingAuthority } from '../../certs/issue/index.ts';
import { readIdentity, type IdentityFiles, type VerifiedIdentity } from '../../certs/verify/index.ts';
import { annotation } from '../../core/model/names.ts';
import { resources, type Secret } from '../../kube/index.ts';
import { until } from '../../kube/testing/until.ts';
import { GivenAuthority, startStage, type Stage } from '../testing/certificates.ts';
import { stateOf, type AuthorityState } from './authoritySecret.ts';
import { sourceOf } from './certificateContext.ts';
import { IdentitySecrets, LOOK_AGAIN_MS, REMOVE_MS, type DesiredIdentity } from './identitySecrets.ts';

const CART: DesiredIdentity = { namespace: 'shop', serviceAccount: 'cart', uid: 'uid-cart' };
const WEB: DesiredIdentity = { namespace: 'shop', serviceAccount: 'web', uid: 'uid-web' };
const MINUTE = 60_000;
/** How far time jumps at once where minutes pass until the next look. */
const PROBE_STEP = 20_000;

let stage: Stage;
let mesh: TestMesh;
let authority: GivenAuthority;
let changed: string[];
let lifetimeMs: number;
beforeEach(async () => {
  // As RBAC has it: in workload namespaces Secrets are written and never read.
  stage = await startStage({
    namespaces: ['shop'],
    authorize: ({ plural, verb }) => plural !== 'secrets' || ['create', 'patch', 'delete'].includes(verb),
  });
  mesh = await createTestMesh({ now: new Date(stage.clock.now()) });
  authority = new GivenAuthority(await stateFor(mesh));
  changed = [];
  lifetimeMs = 2 * MINUTE;
});
afterEach(() => stage.close());

/** State of an authority that issues from `issuer` and trusts `also` too. */
async function stateFor(issuer: TestMesh, ...also: TestMesh[]): Promise<AuthorityState> {
  const signer = await createServingAuthority(sourceOf(stage), ['weft-webhook.weft-system.svc']);
  const roots = [issuer, ...also].map(({ root }) => root.certificate);
  const serving = { signer, certificates: [signer.certificate], bundle: String(signer.certificate) };
  return stateOf({ roots, intermediate: issuer.intermediate, serving }, new Date(stage.clock.now()))!;
}

function lead(...desired: DesiredIdentity[]): { identities: IdentitySecrets; end: () => Promise<void> } {
  const identities = new IdentitySecrets({
    ...stage,
    authority,
    trustDomain: 'cluster.local',
    leafLifetimeMs: () => lifetimeMs,
    onChanged: (namespace, serviceAccount) => changed.push(`${namespace}/${serviceAccount}`),
  });
  identities.setDesired(desired);
  return { identities, end: stage.leading(identities) };
}

const refOf = (name: string) => ({ namespace: 'shop', name: `weft.serviceaccount.${name}` });
const secret = (name = 'cart'): Secret | undefined =>
  stage.server.objects.get(resources.secrets, refOf(name));
const versionOf = (name = 'cart'): string | undefined => secret(name)?.metadata.resourceVersion;

function identityOf(name = 'cart'): VerifiedIdentity {
  const data = secret(name)?.data ?? {};
  const files = Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
  const result = readIdentity(files as unknown as IdentityFiles, { now: new Date(stage.clock.now()) });
  if (!result.ok) throw result.error;
  return result.value;
}

const probes = (): number => stage.server.requests.filter(({ verb }) => verb === 'patch').length;

async function written(name = 'cart'): Promise<string> {
  await until(`a Secret for ${name}`, () => secret(name) !== undefined);
  return identityOf(name).serial;
}

const replaced = (serial: string, name = 'cart', stepMs = 1_000): Promise<void> =>
  stage.passing(
    'a new certificate',
    () => secret(name) !== undefined && identityOf(name).serial !== serial,
    stepMs,
  );

describe('the Secret of an identity', () => {
  it('is whole, owned by the ServiceAccount, and written without being read', async () => {
    lead(CART);
    await written();
    const { metadata, type } = secret()!;
    expect(type).toBe('kubernetes.io/tls');
    expect(metadata.ownerReferences).toEqual([
      { apiVersion: 'v1', kind: 'ServiceAccount', name: 'cart', uid: 'uid-cart' },
    ]);
    const identity = identityOf();
    expect(identity.spiffeId).toBe('spiffe://cluster.local/ns/shop/sa/cart');
    expect(identity.chain).toHaveLength(2);
    expect(metadata.annotations?.[annotation.notAfter]).toBe(identity.notAfter.toISOString());
    await until('it was told', () => changed.length === 1);
    const asked = stage.server.requests.filter(({ plural }) => plural === 'secrets');
    expect(
      asked.every(({ verb, accept }) => verb === 'patch' && accept.includes('PartialObjectMetadata')),
    ).toBe(true);
    expect(stage.logged()).not.toContain('PRIVATE KEY');
  });

  it('is left alone by the next leader', async () => {
    const { end } = lead(CART);
    await written();
    const version = versionOf();
    await end();
    stage.server.requests.length = 0;
    lead(CART);
    await until('it was looked at', () => probes() > 0);
    stage.clock.advance(20_000);
    expect(versionOf()).toBe(version);
    expect(probes()).toBe(1);
  });

  it('is renewed around half of two minutes, again and again', async () => {
    lead(CART);
    let serial = await written();
    for (let round = 0; round < 4; round++) {
      const { notBefore, notAfter } = identityOf();
      await replaced(serial);
      const part = (stage.clock.now() - notBefore.getTime()) / (notAfter.getTime() - notBefore.getTime());
      expect(part).toBeGreaterThan(0.44);
      expect(part).toBeLessThan(0.7);
      serial = identityOf().serial;
    }
    await until('all was told', () => changed.length === 5);
  });

  it('is written again when somebody deletes it', async () => {
    lifetimeMs = 24 * 60 * MINUTE;
    lead(CART);
    await written();
    stage.server.objects.delete(resources.secrets, refOf('cart'));
    await stage.passing('written again', () => secret() !== undefined, PROBE_STEP);
    expect(identityOf().spiffeId).toContain('/sa/cart');
  });

  it('is looked at where pods wait for it, every LOOK_AGAIN_MS', async () => {
    const { identities } = lead(CART);
    await written();
    await until('it was told', () => changed.length === 1);
    stage.server.objects.delete(resources.secrets, refOf('cart'));
    stage.clock.advance(LOOK_AGAIN_MS - 1);
    const before = probes();
    identities.lookAgain('shop', 'cart');
    identities.lookAgain('shop', 'unknown');
    stage.clock.advance(1);
    expect(probes()).toBe(before);
    identities.lookAgain('shop', 'cart');
    await until('written again', () => secret() !== undefined && changed.length === 2);
  });

  it.each([
    ['changed', { data: { 'tls.crt': 'AAAA' } }],
    ['emptied of its key', { data: { 'tls.key': null } }],
    ['stripped of its annotations', { metadata: { annotations: null } }],
  ])('is written again when somebody %s it', async (_what, body) => {
    lifetimeMs = 24 * 60 * MINUTE;
    lead(CART);
    const serial = await written();
    await stage.server
      .client()
      .patch(resources.secrets, refOf('cart'), { type: 'merge', body, fieldManager: 'kubectl' });
    await stage.passing(
      'repaired',
      () => {
        const files = secret()?.data ?? {};
        return Boolean(files['tls.key']) && files['tls.crt'] !== 'AAAA' && identityOf().serial !== serial;
      },
      PROBE_STEP,
    );
    const version = versionOf();
    stage.server.requests.length = 0;
    await stage.passing('looked at again', () => probes() > 0, PROBE_STEP);
    expect(versionOf()).toBe(version);
  });

  it('follows a ServiceAccount that was made anew', async () => {
    const { identities } = lead(CART);
    const serial = await written();
    identities.setDesired([{ ...CART, uid: 'uid-new' }]);
    await replaced(serial);
    expect(secret()!.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual(['uid-new']);
  });

  it('follows a lifetime that was shortened', async () => {
    lifetimeMs = 24 * 60 * MINUTE;
    const { identities } = lead(CART);
    const serial = await written();
    lifetimeMs = 2 * MINUTE;
    identities.recheck();
    await replaced(serial);
    expect(identityOf().notAfter.getTime() - stage.clock.now()).toBeLessThanOrEqual(2 * MINUTE);
  });

  it('takes the place of a Secret of another type', async () => {
    stage.server.objects.put(resources.secrets, {
      metadata: refOf('cart'),
      type: 'Opaque',
      data: { a: 'AAAA' },
    });
    lead(CART);
    await stage.passing('ours', () => secret()?.type === 'kubernetes.io/tls');
    expect(identityOf().spiffeId).toContain('/sa/cart');
  });

  it('comes as soon as the API server lets it, and as soon as there is an authority', async () => {
    const state = authority.current!;
    authority.current = undefined;
    stage.server.faults.respond({ status: 403, method: 'PATCH', path: '/secrets', times: 3 });
    lead(CART);
    await stage.passing('looked at', () => probes() > 0);
    expect(secret()).toBeUndefined();
    authority.set(state);
    await stage.passing('written', () => secret() !== undefined);
  });

  it('is not made from an intermediate that has ended', async () => {
    stage.clock.advance(91 * 24 * 60 * MINUTE);
    lead(CART);
    await until('an error', () => stage.logged().includes('the intermediate has ended'));
    expect(secret()).toBeUndefined();
    authority.set(await stateFor(await createTestMesh({ now: new Date(stage.clock.now()) })));
    await written();
  });
});

describe('an identity that is not wanted any more', () => {
  it('goes after a while, and not when it comes back before', async () => {
    const { identities } = lead(CART, WEB);
    await written('cart');
    await written('web');
    identities.setDesired([]);
    stage.clock.advance(REMOVE_MS / 2);
    identities.setDesired([WEB]);
    await stage.passing('cart is gone', () => secret('cart') === undefined);
    stage.clock.advance(REMOVE_MS * 2);
    expect(secret('web')).toBeDefined();
  });

  it('is found by a sweep, which leaves alone what is not ours', async () => {
    const { end } = lead(CART);
    await written();
    await end();
    stage.server.objects.put(resources.secrets, { metadata: refOf('web'), type: 'Opaque' });
    const { identities } = lead();
    identities.sweep([CART, WEB, { namespace: 'shop', serviceAccount: 'none' }]);
    await stage.passing('cart is gone', () => secret('cart') === undefined);
    expect(secret('web')).toBeDefined();
  });
});

describe('a change of roots', () => {
  it('brings the bundle to all first, and new certificates only when it has settled', async () => {
    lifetimeMs = 60 * MINUTE;
    lead(CART, WEB);
    const serials = [await written('cart'), await written('web')];
    const next = await createTestMesh({ now: new Date(stage.clock.now()) });
    authority.set(await stateFor(next, mesh));
    await until('both have both roots', () =>
      ['cart', 'web'].every((name) => identityOf(name).roots.length === 2),
    );
    expect([identityOf('cart').serial, identityOf('web').serial]).toEqual(serials);
    await until('it was told', () => changed.length === 4);
    stage.clock.advance(25 * MINUTE);
    await replaced(serials[0]!, 'cart', PROBE_STEP);
    await replaced(serials[1]!, 'web', PROBE_STEP);
    expect(identityOf('cart').chain[1]!.raw).toEqual(next.intermediate.certificate.raw);
  });

  it('lets a certificate that is due wait for the others to have the bundle', async () => {
    lead(CART, WEB);
    const serial = await written('cart');
    await written('web');
    const next = await createTestMesh({ now: new Date(stage.clock.now()) });
    // Web cannot be reached: the bundle does not get there.
    const path = 'weft.serviceaccount.web';
    stage.server.faults.respond({ status: 500, method: 'PATCH', path, times: 1000 });
    authority.set(await stateFor(next, mesh));
    await until('cart has both', () => identityOf('cart').roots.length === 2);
    await stage.passing('it is due', () => stage.logged().includes('waits for its peers'));
    expect(identityOf('cart').serial).toBe(serial);
    // Before it would expire it goes on without them.
    await replaced(serial);
    expect(identityOf('cart').roots).toHaveLength(2);
  });

  it('replaces at once what no longer chains to the bundle', async () => {
    lead(CART);
    const serial = await written();
    authority.set(await stateFor(await createTestMesh({ now: new Date(stage.clock.now()) })));
    await replaced(serial);
    expect(identityOf().roots).toHaveLength(1);
  });
});
