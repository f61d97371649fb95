import type { KubeClient } from '../client.ts';
import { resources, type CustomResourceDefinition, type KubeObject, type Resource } from '../resource.ts';
import { until } from './until.ts';

interface ProbeCondition {
  type: string;
  status: string;
  reason?: string;
}

/** A custom resource with a status subresource, there only to check how such things behave. */
export interface Probe extends KubeObject {
  spec?: { size?: number; colour?: string };
  status?: { phase?: string; conditions?: ProbeCondition[] };
}

/** Each run has a group of its own, so that runs on one cluster do not meet. */
export const probeResource = (group: string): Resource<Probe> => ({
  group,
  version: 'v1',
  plural: 'probes',
  kind: 'Probe',
  namespaced: true,
});

const text = { type: 'string' };

/** Written beside: the keys are those of the API, not of client-node's types. */
const keyedByType = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] };

const definitionOf = (group: string): CustomResourceDefinition => ({
  metadata: { name: `probes.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind: 'Probe', listKind: 'ProbeList', plural: 'probes', singular: 'probe' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer' }, colour: text } },
              status: {
                type: 'object',
                properties: {
                  phase: text,
                  conditions: {
                    type: 'array',
                    items: {
                      type: 'object',
                      required: ['type'],
                      properties: { type: text, status: text, reason: text },
                    },
                    ...keyedByType,
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
});

/** Makes the kind known; resolves when it can be used. */
export async function defineProbes(client: KubeClient, group: string): Promise<Resource<Probe>> {
  const resource = probeResource(group);
  await client.create(resources.customResourceDefinitions, definitionOf(group));
  await until(`the kind Probe of ${group} is served`, async () => {
    const listed = await client.list(resource).catch(() => undefined);
    return listed !== undefined;
  });
  return resource;
}
