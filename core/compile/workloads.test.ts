import { describe, expect, it } from 'vitest';
import {
  account,
  namespace,
  ofDeployment,
  pod,
  replicaSet,
  snapshotOf,
  workload,
} from '../../sources/testing/mesh.ts';
import type { Manifest } from '../../sources/index.ts';
import { workloadKey } from '../model/index.ts';
import { workloadsOf } from '../../sources/testing/compiled.ts';
import { identitiesOf } from './index.ts';

const keys = (...manifests: Manifest[]) => workloadsOf(snapshotOf(...manifests)).map(workloadKey);
const off = namespace('off', false);
const asked = { 'weft.dev/inject': 'true' };
const refused = { 'weft.dev/inject': 'false' };

describe('workloads that need a document', () => {
  it.each<[string, Manifest[], string[]]>([
    ['of an enabled namespace', [namespace('shop'), workload('a')], ['deployment/shop/a']],
    ['that opt out', [namespace('shop'), workload('a', { labels: refused })], []],
    ['of another namespace', [off, workload('a', { namespace: 'off' })], []],
    [
      'that ask by their template',
      [off, workload('a', { namespace: 'off', labels: asked })],
      ['deployment/off/a'],
    ],
    [
      'that have injected pods',
      [
        off,
        workload('a', { namespace: 'off' }),
        replicaSet('a', 'off'),
        pod('p', { namespace: 'off', owner: ofDeployment('a') }),
      ],
      ['deployment/off/a'],
    ],
    ['that have other pods', [off, pod('p', { namespace: 'off', proxy: false })], []],
    [
      'bare pods: by their ServiceAccount',
      [off, account('cart', 'off'), pod('p', { namespace: 'off', account: 'cart' })],
      ['serviceaccount/off/cart'],
    ],
    ['bare pods that have ended', [namespace('shop'), pod('p', { phase: 'Succeeded' })], []],
    [
      'of a kind of its own',
      [namespace('shop'), pod('p', { owner: { apiVersion: 'pg.example/v1', kind: 'Cluster', name: 'db' } })],
      ['cluster.pg.example/shop/db'],
    ],
    [
      'of the system',
      [
        namespace('weft-system'),
        workload('a', { namespace: 'weft-system' }),
        namespace('kube-system'),
        workload('b', { namespace: 'kube-system' }),
      ],
      [],
    ],
    [
      'StatefulSets and Jobs',
      [namespace('shop'), workload('a', { kind: 'statefulSets' }), workload('b', { kind: 'jobs' })],
      ['job/shop/b', 'statefulset/shop/a'],
    ],
    [
      'Jobs that are over',
      [
        namespace('shop'),
        workload('b', { kind: 'jobs', status: { conditions: [{ type: 'Complete', status: 'True' }] } }),
      ],
      [],
    ],
  ])('%s', (_name, manifests, expected) => {
    expect(keys(...manifests)).toEqual(expected);
  });

  it('know their owner: the ServiceAccount of bare pods, the controller of a custom kind', () => {
    const snapshot = snapshotOf(
      account('cart'),
      pod('p', { account: 'cart' }),
      pod('q', { owner: { apiVersion: 'pg.example/v1', kind: 'Cluster', name: 'db' } }),
    );
    expect(workloadsOf(snapshot).map(({ apiVersion, kindName, uid }) => [apiVersion, kindName, uid])).toEqual(
      [
        ['pg.example/v1', 'Cluster', 'uid-db'],
        ['v1', 'ServiceAccount', 'serviceAccounts-shop-cart'],
      ],
    );
  });
});

describe('ServiceAccounts that need a certificate', () => {
  it('are those of templates and of pods, the old one of a roll-out too, as far as they exist', () => {
    const snapshot = snapshotOf(
      namespace('shop'),
      ...['old', 'new', 'unused', 'bare'].map((name) => account(name)),
      replicaSet('a'),
      workload('a', { account: 'new' }),
      workload('b', { account: 'missing' }),
      pod('p', { account: 'old', owner: ofDeployment('a') }),
      pod('q', { account: 'bare' }),
    );
    expect(identitiesOf(snapshot).map(({ name }) => name)).toEqual(['bare', 'new', 'old']);
  });

  it('are not those of templates that opt out', () => {
    const snapshot = snapshotOf(
      namespace('shop'),
      account('a'),
      workload('a', { account: 'a', labels: refused }),
    );
    expect(identitiesOf(snapshot)).toEqual([]);
  });
});
