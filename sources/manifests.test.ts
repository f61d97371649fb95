import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeftError } from '../core/errors/index.ts';
import { parseManifests } from './index.ts';

function refusal(text: string): string {
  try {
    parseManifests(text, 'a.yaml', 'default');
  } catch (error) {
    if (error instanceof WeftError) return `${error.code} ${error.resource}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const namesOf = (text: string) =>
  parseManifests(text, 'a.yaml', 'shop').map(
    ({ kind, object: { metadata } }) => `${kind} ${metadata.namespace ?? '-'}/${metadata.name}`,
  );

describe('a file of manifests', () => {
  it('may hold many documents, lists, empty ones, and kinds that are not read', () => {
    expect(
      namesOf(`
# a comment
---
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Service, metadata: {name: cart}, spec: {ports: [{port: 80}]}}
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: cart, namespace: other}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {}}
---
{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: other}}
`),
    ).toEqual(['namespaces -/shop', 'services shop/cart', 'serviceAccounts other/cart']);
  });

  it('may be empty', () => {
    expect(parseManifests('', 'a.yaml', 'x')).toEqual([]);
    expect(parseManifests('# nothing\n', 'a.yaml', 'x')).toEqual([]);
  });

  it('gives objects a uid that depends on their name alone', () => {
    const uid = (name: string) =>
      parseManifests(`{apiVersion: v1, kind: Pod, metadata: {name: ${name}}}`, 'a', 'b')[0]?.object.metadata
        .uid;
    expect(uid('a')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect([uid('a') === uid('a'), uid('a') === uid('b')]).toEqual([true, false]);
  });

  it('has times as the API has them', () => {
    const [manifest] = parseManifests(
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: 2026-01-01T00:00:00Z}',
      'a.yaml',
      'x',
    );
    expect(manifest?.object.metadata.creationTimestamp).toBe('2026-01-01T00:00:00.000Z');
  });
});

describe('a file with a mistake', () => {
  const service = (spec: string) => `apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: ${spec}`;

  it.each([
    ['a: 1\n---\nb: [\n', 'document 1: line 4: deficient indentation'],
    ['# x\n---\na: 1\n---\nb: "\n', 'document 1: line'],
    ['a: 1', 'document 0, apiVersion: is required'],
    ['---\napiVersion: v1\n', 'document 0, kind: is required'],
    ['3', 'document 0: is no Kubernetes object'],
    ['{apiVersion: v1, kind: Service}', 'document 0, metadata: is required'],
    ['{apiVersion: v1, kind: Service, metadata: {}}', 'document 0, metadata.name: is required'],
    [service('{ports: 80}'), 'document 0, spec.ports: must be array'],
    [service('{ports: [{port: 80}, {port: "http"}]}'), 'document 0, spec.ports[1].port: must be'],
    [service('{selector: {app: 1}}'), 'document 0, spec.selector.app: must be string'],
    ['{apiVersion: mesh.weft.dev/v1alpha1, kind: MeshRout, metadata: {name: a}}', 'document 0, kind: '],
    ['{apiVersion: mesh.weft.dev/v1, kind: MeshPolicy, metadata: {name: a}}', 'document 0, kind: '],
    ['a: &a [*a]', 'document 0: contains itself'],
  ])('%j is refused with place and field', (text, expected) => {
    expect(refusal(text)).toContain(`FILE_INVALID a.yaml: ${expected}`);
  });

  it('gives that error and no other', () => {
    const kinds = fc.constantFrom('Pod', 'Service', 'EndpointSlice', 'Deployment', 'MeshPolicy', 'List');
    const document = fc.record({
      apiVersion: fc.constant('v1'),
      kind: kinds,
      metadata: fc.jsonValue(),
      spec: fc.jsonValue(),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          document.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          expect(refusal(text)).toMatch(/^(accepted|FILE_INVALID)/);
        },
      ),
    );
  });
});
