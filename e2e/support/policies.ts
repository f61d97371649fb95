/** MeshPolicies of the tests: applied, waited for, removed. */
import { join } from 'node:path';
import { namespaces, root } from './environment.ts';
import { apply, conditionOf, get, kubectl, type MeshPolicyObject } from './kubectl.ts';
import { waitFor } from './waitFor.ts';

export const policyFile = (name: string): string => join(root, 'examples', 'policies', `${name}.yaml`);

export function meshPolicy(name: string, spec: object, namespace: string = namespaces.shop): object {
  return { apiVersion: 'mesh.weft.dev/v1alpha1', kind: 'MeshPolicy', metadata: { name, namespace }, spec };
}

/** Applies a policy and waits until every proxy that it selects has it in force. */
export async function applyPolicy(
  name: string,
  spec: object,
  namespace: string = namespaces.shop,
): Promise<void> {
  await apply(meshPolicy(name, spec, namespace));
  await appliedEverywhere(name, namespace);
}

export async function appliedEverywhere(
  name: string,
  namespace: string = namespaces.shop,
): Promise<MeshPolicyObject> {
  return await waitFor(`MeshPolicy ${namespace}/${name} to be applied`, async () => {
    const policy = await get<MeshPolicyObject>(['meshpolicy', name, '-n', namespace]);
    return conditionOf(policy, 'Applied')?.status === 'True' ? policy : undefined;
  });
}

/** Removes every policy of the namespaces that tests use. */
export async function removePolicies(): Promise<void> {
  for (const namespace of [namespaces.shop, namespaces.workloads]) {
    await kubectl(['delete', 'meshpolicies', '--all', '-n', namespace]);
  }
}
