import { describe, expect, test } from 'vitest';
import { ownerToLookUp, resolveWorkload, type OwnedMeta, type OwnerReference } from './workload.ts';

const owned = (
  apiVersion: string,
  kind: string,
  name: string,
): OwnedMeta & { ownerReferences: OwnerReference[] } => ({
  ownerReferences: [{ apiVersion, kind, name, uid: 'u', controller: true }],
});
const unknown = () => undefined;
const resolve = (meta: OwnedMeta, lookup: (key: { name: string }) => OwnedMeta | undefined, labels = {}) => {
  const { kind, namespace, name } = resolveWorkload({ namespace: 'shop', labels, ...meta }, 'cart', lookup);
  return `${kind}/${namespace}/${name}`;
};

describe('resolveWorkload', () => {
  test('a Deployment through its ReplicaSet', () => {
    const asked: string[] = [];
    const lookup = ({ name }: { name: string }) => {
      asked.push(name);
      return owned('apps/v1', 'Deployment', 'cart');
    };
    expect(resolve(owned('apps/v1', 'ReplicaSet', 'cart-5d9'), lookup)).toBe('deployment/shop/cart');
    expect(asked).toEqual(['cart-5d9']);
  });

  test('a Deployment by the template hash where its ReplicaSet is unknown', () => {
    const pod = owned('apps/v1', 'ReplicaSet', 'cart-v2-5d9c7');
    expect(resolve(pod, unknown, { 'pod-template-hash': '5d9c7' })).toBe('deployment/shop/cart-v2');
    expect(resolve(pod, unknown, { 'pod-template-hash': 'other' })).toBe('replicaset/shop/cart-v2-5d9c7');
    expect(resolve(pod, unknown)).toBe('replicaset/shop/cart-v2-5d9c7');
  });

  test('a ReplicaSet that nobody owns is the workload, whatever its name looks like', () => {
    const pod = owned('apps/v1', 'ReplicaSet', 'cart-abc');
    expect(resolve(pod, () => ({}), { 'pod-template-hash': 'abc' })).toBe('replicaset/shop/cart-abc');
  });

  test('a ReplicaSet of a custom controller', () => {
    const lookup = () => owned('argoproj.io/v1alpha1', 'Rollout', 'cart');
    expect(resolve(owned('apps/v1', 'ReplicaSet', 'cart-abc'), lookup)).toBe('rollout.argoproj.io/shop/cart');
  });

  test.each([
    ['apps/v1', 'StatefulSet', 'db', 'statefulset/shop/db'],
    ['apps/v1', 'DaemonSet', 'agent', 'daemonset/shop/agent'],
    ['v1', 'ReplicationController', 'old', 'replicationcontroller/shop/old'],
    ['postgresql.cnpg.io/v1', 'Cluster', 'pg', 'cluster.postgresql.cnpg.io/shop/pg'],
    ['batch.volcano.sh/v1alpha1', 'Job', 'train', 'job.batch.volcano.sh/shop/train'],
  ])('%s %s is the workload itself', (...row) => {
    const [apiVersion, kind, name, expected] = row;
    const neverAsked = () => {
      throw new Error('asked for an owner');
    };
    expect(resolve(owned(apiVersion, kind, name), neverAsked)).toBe(expected);
  });

  test('a Job, and a CronJob through its Job', () => {
    expect(resolve(owned('batch/v1', 'Job', 'once'), () => ({}))).toBe('job/shop/once');
    expect(
      resolve(owned('batch/v1', 'Job', 'tick-29918880'), () => owned('batch/v1', 'CronJob', 'tick')),
    ).toBe('cronjob/shop/tick');
  });

  test('a Job that is unknown belongs to a CronJob only if its name ends in minutes since 1970', () => {
    expect(resolve(owned('batch/v1', 'Job', 'tick-29918880'), unknown)).toBe('cronjob/shop/tick');
    expect(resolve(owned('batch/v1', 'Job', 'report-20261121'), unknown)).toBe('job/shop/report-20261121');
    expect(resolve(owned('batch/v1', 'Job', 'once'), unknown)).toBe('job/shop/once');
  });

  test('bare pods, owners that control nothing, and static pods belong to the ServiceAccount', () => {
    expect(resolve({}, unknown)).toBe('serviceaccount/shop/cart');
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x' };
    expect(resolve({ ownerReferences: [owner] }, unknown)).toBe('serviceaccount/shop/cart');
    expect(resolve(owned('v1', 'Node', 'node1'), unknown)).toBe('serviceaccount/shop/cart');
    expect(resolveWorkload({ namespace: 'shop' }, '', unknown).name).toBe('default');
  });

  test('ownerToLookUp names what will be asked for, and only that', () => {
    expect(ownerToLookUp(owned('apps/v1', 'ReplicaSet', 'a'))?.name).toBe('a');
    expect(ownerToLookUp(owned('batch/v1', 'Job', 'b'))?.name).toBe('b');
    expect(ownerToLookUp(owned('apps/v1', 'StatefulSet', 'c'))).toBeUndefined();
    expect(ownerToLookUp({})).toBeUndefined();
  });
});
