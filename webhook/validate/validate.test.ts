import { describe, expect, test } from 'vitest';
import { validate } from './validate.ts';

const apiVersion = 'mesh.weft.dev/v1alpha1';
const policy = (spec: unknown) => ({
  apiVersion,
  kind: 'MeshPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec,
});
const config = (spec: unknown, name = 'default') => ({
  apiVersion,
  kind: 'MeshConfig',
  metadata: { name },
  spec,
});
const trustDomain = 'cluster.local';
const fields = (verdict: ReturnType<typeof validate>) =>
  verdict.ok ? [] : verdict.problems.map(({ code, field }) => `${code} ${field}`);

describe('MeshPolicy', () => {
  test('a valid one is given back with its defaults', () => {
    const verdict = validate({ object: policy({ mtls: { mode: 'Strict' } }), trustDomain });
    expect(verdict).toMatchObject({
      ok: true,
      policy: { spec: { mode: 'Enforce', mtls: { mode: 'Strict' } } },
    });
  });

  test('every wrong field is named, unknown ones too', () => {
    const rules = [{ to: [{ method: ['GET'] }] }, { from: [{ ipBlocks: ['10.0.0.0/64'] }] }];
    const object = policy({ authorization: { rules }, mtls: { mode: 'strict' } });
    expect(fields(validate({ object, trustDomain }))).toEqual(
      expect.arrayContaining([
        'UNKNOWN_FIELD spec.authorization.rules[0].to[0].method',
        'INVALID_FIELD spec.mtls.mode',
      ]),
    );
  });

  test('meaning is judged after the schema', () => {
    const object = policy({ authorization: { rules: [{ from: [{ ipBlocks: ['10.0.0.0/64'] }] }] } });
    expect(fields(validate({ object, trustDomain }))).toEqual([
      'INVALID_FIELD spec.authorization.rules[0].from[0].ipBlocks[0]',
    ]);
  });

  test('metadata of a resource that would no longer be accepted can be changed, its spec cannot', () => {
    const stale = policy({ mtls: { mode: 'Strict' }, gone: true });
    const labelled = { ...stale, metadata: { ...stale.metadata, labels: { a: 'b' } } };
    expect(validate({ object: labelled, oldObject: stale, trustDomain })).toEqual({ ok: true });
    const changed = policy({ mtls: { mode: 'Permissive' }, gone: true });
    expect(fields(validate({ object: changed, oldObject: stale, trustDomain }))).toEqual([
      'UNKNOWN_FIELD spec.gone',
    ]);
  });
});

describe('MeshConfig', () => {
  test('is named default', () => {
    expect(fields(validate({ object: config({}, 'other'), trustDomain }))).toEqual([
      'INVALID_FIELD metadata.name',
    ]);
    expect(validate({ object: config({}), trustDomain })).toEqual({ ok: true });
  });

  test('the trust domain is that of the running mesh', () => {
    expect(fields(validate({ object: config({ trustDomain: 'other.example' }), trustDomain }))).toEqual([
      'INVALID_FIELD spec.trustDomain',
    ]);
    // left out, it would be the schema's default
    const verdict = validate({ object: config({}), trustDomain: 'mesh.example' });
    expect(verdict).toMatchObject({
      problems: [{ message: expect.stringContaining('must be mesh.example') }],
    });
  });

  test('the trust domain cannot be changed, nor by leaving it out', () => {
    const oldObject = config({ trustDomain: 'mesh.example' });
    const object = config({ proxy: { logLevel: 'Debug' } });
    const verdict = validate({ object, oldObject, trustDomain: 'mesh.example' });
    expect(verdict).toMatchObject({
      problems: [{ message: expect.stringContaining('cannot be changed from mesh.example') }],
    });
    const kept = config({ trustDomain: 'mesh.example', proxy: { logLevel: 'Debug' } });
    expect(validate({ object: kept, oldObject, trustDomain: 'mesh.example' })).toEqual({ ok: true });
  });
});

test('kinds and versions of another Weft are refused', () => {
  const route = { apiVersion, kind: 'MeshRoute', metadata: { name: 'r' }, spec: {} };
  expect(fields(validate({ object: route, trustDomain }))).toEqual(['NOT_SUPPORTED kind']);
  const later = { ...policy({}), apiVersion: 'mesh.weft.dev/v1' };
  expect(fields(validate({ object: later, trustDomain }))).toEqual(['NOT_SUPPORTED kind']);
});
