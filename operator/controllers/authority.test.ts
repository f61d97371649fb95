import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIntermediate, createRoot } from '../../certs/issue/index.ts';
import { privateKeyPem } from '../../certs/request/index.ts';
import { resources, type Secret } from '../../kube/index.ts';
import { until } from '../../kube/testing/until.ts';
import { startStage, type Stage } from '../testing/certificates.ts';
import { Authority } from './authority.ts';
import { sourceOf } from './certificateContext.ts';
import { encoded } from './identitySecret.ts';
import { servingNames } from './servingCertificate.ts';

const REF = { namespace: 'weft-system', name: 'weft-authority' };
const DAY = 24 * 60 * 60_000;

let stage: Stage;
let opened: Authority[];
let lifetimeMs: number;
beforeEach(async () => {
  stage = await startStage();
  opened = [];
  lifetimeMs = 90 * DAY;
});
afterEach(async () => {
  await Promise.all(opened.map((authority) => authority.stop()));
  await stage.close();
});

/** A replica that has looked for the Secret. */
async function replica(): Promise<Authority> {
  const authority = new Authority({
    ...stage,
    client: stage.server.client(),
    namespace: 'weft-system',
    trustDomain: 'cluster.local',
    servingNames: servingNames('weft-system', 'cluster.local'),
    intermediateLifetimeMs: () => lifetimeMs,
  });
  opened.push(authority);
  await authority.start();
  return authority;
}

const secret = (): Secret | undefined => stage.server.objects.get(resources.secrets, REF);
const put = (data: Record<string, string>): Secret =>
  stage.server.objects.put(resources.secrets, { metadata: REF, type: 'Opaque', data: encoded(data) });

async function created(): Promise<{ authority: Authority; before: Secret }> {
  const authority = await replica();
  stage.leading(authority);
  await until('an authority', () => authority.current !== undefined);
  return { authority, before: secret()! };
}

describe('the authority', () => {
  it('is created once, whole, and without showing a key', async () => {
    const { authority, before } = await created();
    expect(Object.keys(before.data ?? {}).sort()).toEqual([
      'intermediate.crt',
      'intermediate.key',
      'root.crt',
      'root.key',
      'serving-ca.crt',
      'serving-ca.key',
    ]);
    expect(authority.current?.bundle).toBe(Buffer.from(before.data!['root.crt']!, 'base64').toString());
    expect(stage.logged()).not.toContain('PRIVATE KEY');
  });

  it('is the same for two replicas that create it at the same moment', async () => {
    const [one, two] = [await replica(), await replica()];
    stage.server.faults.delay({ ms: 30, method: 'POST', path: '/secrets' });
    stage.leading(one);
    stage.leading(two);
    await until('both have one', () => one.current !== undefined && two.current !== undefined);
    expect(one.current!.bundleId).toBe(two.current!.bundleId);
    expect(one.current!.intermediate.certificate.raw).toEqual(two.current!.intermediate.certificate.raw);
    expect(stage.server.objects.list(resources.secrets)).toHaveLength(1);
  });

  it('is only read by a replica that does not lead, and by one that starts later', async () => {
    const follower = await replica();
    const { authority, before } = await created();
    await until('the follower has it', () => follower.current !== undefined);
    expect(follower.current!.bundleId).toBe(authority.current!.bundleId);
    const later = await replica();
    expect(later.current!.bundleId).toBe(authority.current!.bundleId);
    stage.leading(later);
    stage.server.requests.length = 0;
    await until('the second leader looked', () => stage.server.requests.some(({ verb }) => verb === 'get'));
    expect(secret()).toEqual(before);
  });

  it('gets a new intermediate at half of its life, and keeps its root to the byte', async () => {
    const { authority, before } = await created();
    const follower = await replica();
    const serial = authority.current!.intermediate.certificate.serialNumber;
    stage.clock.advance(30 * DAY);
    expect(secret()).toEqual(before);
    stage.clock.advance(20 * DAY);
    await until('renewed', () => authority.current!.intermediate.certificate.serialNumber !== serial);
    const after = secret()!.data!;
    expect(after['root.crt']).toBe(before.data!['root.crt']);
    expect(after['root.key']).toBe(before.data!['root.key']);
    expect(after['serving-ca.crt']).toBe(before.data!['serving-ca.crt']);
    await stage.passing(
      'seen by the follower',
      () => follower.current!.intermediate.certificate.serialNumber !== serial,
    );
    expect(follower.current!.bundleId).toBe(authority.current!.bundleId);
  });

  it('gets a new authority for the webhook beside the old one', async () => {
    const { authority } = await created();
    const { certificates } = authority.current!.serving;
    stage.clock.advance(210 * DAY);
    await until('renewed', () => authority.current!.serving.certificates.length === 2);
    expect(authority.current!.serving.certificates[1]!.raw).toEqual(certificates[0]!.raw);
    expect(authority.current!.serving.bundle.match(/BEGIN/g)).toHaveLength(2);
  });

  it('is renewed once when two replicas believe to lead', async () => {
    const { authority } = await created();
    const second = await replica();
    stage.leading(second);
    const serial = authority.current!.intermediate.certificate.serialNumber;
    stage.server.faults.delay({ ms: 30, method: 'PUT', path: '/secrets' });
    stage.clock.advance(50 * DAY);
    await until('both renewed', () =>
      [authority, second].every(({ current }) => current!.intermediate.certificate.serialNumber !== serial),
    );
    const { certificate } = authority.current!.intermediate;
    expect(second.current!.intermediate.certificate.raw).toEqual(certificate.raw);
  });

  it('follows a lifetime that was shortened, down to minutes', async () => {
    const { authority } = await created();
    const serial = authority.current!.intermediate.certificate.serialNumber;
    lifetimeMs = 4 * 60_000;
    stage.clock.advance(15 * 60_000);
    await until('renewed', () => authority.current!.intermediate.certificate.serialNumber !== serial);
    const left = authority.current!.intermediate.certificate.validToDate.getTime() - stage.clock.now();
    expect(left).toBeLessThanOrEqual(4 * 60_000);
  });
});

describe('a Secret that cannot be used', () => {
  it.each([
    ['rubbish', { 'root.crt': 'rubbish' }, 'root.crt'],
    ['nothing', {}, 'root.crt'],
  ])('is reported and never overwritten: %s', async (_what, data, field) => {
    const damaged = put(data);
    const authority = await replica();
    stage.leading(authority);
    await until('it was looked at', () => stage.server.requests.some(({ verb }) => verb === 'get'));
    await stage.passing(
      'it was looked at again',
      () => stage.server.requests.filter(({ verb }) => verb === 'get').length > 1,
    );
    expect(authority.current).toBeUndefined();
    expect(secret()).toEqual(damaged);
    const errors = stage.lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]!.fields).toMatchObject({ code: 'AUTHORITY_INVALID', field });
  });

  it('leaves the last good one in use until it is repaired', async () => {
    const { authority, before } = await created();
    const good = authority.current;
    const { data: _data, ...rest } = before;
    stage.server.objects.put(resources.secrets, {
      ...rest,
      data: { ...before.data, 'intermediate.key': 'AAAA' },
    });
    await until('reported', () => stage.lines.some(({ level }) => level === 'error'));
    expect(authority.current).toBe(good);
    expect(stage.logged()).toContain('intermediate.key');
    stage.server.objects.put(resources.secrets, { ...rest, data: before.data! });
    await until('taken again', () => authority.current !== good);
    expect(authority.current!.bundleId).toBe(good!.bundleId);
  });

  it('is written again with the same root where it was deleted', async () => {
    const { authority, before } = await created();
    stage.server.objects.delete(resources.secrets, REF);
    await until('written again', () => secret() !== undefined);
    expect(secret()!.data).toEqual(before.data);
    expect(authority.current!.bundle).toContain('BEGIN CERTIFICATE');
  });
});

describe('an authority that somebody brings', () => {
  it('is used without its root key, and what is missing is added', async () => {
    const source = sourceOf(stage);
    const root = await createRoot(source, 'cluster.local');
    const intermediate = await createIntermediate(source, { trustDomain: 'cluster.local', root });
    const before = put({
      'root.crt': String(root.certificate),
      'intermediate.crt': String(intermediate.certificate),
      'intermediate.key': privateKeyPem(intermediate.key),
    });
    const { authority } = await created();
    expect(authority.current!.rootIds).toHaveLength(1);
    expect(secret()!.data).toMatchObject(before.data!);
    expect(secret()!.data).not.toHaveProperty(['root.key']);
    const serial = intermediate.certificate.serialNumber;
    stage.clock.advance(50 * DAY);
    await until('a warning', () => stage.logged().includes('renewed, and without root.key'));
    expect(authority.current!.intermediate.certificate.serialNumber).toBe(serial);
  });

  it('gets an intermediate where only a root with its key was given', async () => {
    const root = await createRoot(sourceOf(stage), 'cluster.local');
    put({ 'root.crt': String(root.certificate), 'root.key': privateKeyPem(root.key) });
    const { authority } = await created();
    expect(authority.current!.bundle).toBe(String(root.certificate));
  });
});
