import { describe, expect, it } from 'vitest';
import { crdOf, kinds } from './index.ts';

type Node = Record<string, unknown>;

/** Visits every schema node below `node` with its path. */
function visit(node: Node, at: string, see: (node: Node, at: string) => void): void {
  see(node, at);
  for (const [name, child] of Object.entries((node['properties'] as Record<string, Node> | undefined) ?? {}))
    visit(child, `${at}.${name}`, see);
  if (node['items']) visit(node['items'] as Node, `${at}[]`, see);
  if (typeof node['additionalProperties'] === 'object')
    visit(node['additionalProperties'] as Node, `${at}.*`, see);
}

const rootOf = (index: number) => {
  const crd = crdOf(kinds[index]!) as unknown as {
    spec: { versions: [{ schema: { openAPIV3Schema: Node } }] };
  };
  return crd.spec.versions[0].schema.openAPIV3Schema;
};

describe.each(kinds.map(({ kind }, index) => [kind, index] as const))('the CRD of %s', (_kind, index) => {
  it('is structural: every node has a type and none of the forbidden keywords', () => {
    visit(rootOf(index), '', (node, at) => {
      expect(node['type'], `${at} has a type`).toBeTypeOf('string');
      for (const keyword of ['patternProperties', '$ref', 'const', '$id', 'definitions', 'dependencies']) {
        expect(node[keyword], `${at} has no ${keyword}`).toBeUndefined();
      }
      expect(node['additionalProperties'], `${at}`).not.toBe(false);
      expect(Boolean(node['properties'] && node['additionalProperties']), `${at} has either form`).toBe(
        false,
      );
    });
  });

  it('keeps unknown keys in spec, so that the webhook can refuse them by name', () => {
    const spec = (rootOf(index)['properties'] as Record<string, Node>)['spec']!;
    visit(spec, 'spec', (node, at) => {
      if (node['properties']) expect(node['x-kubernetes-preserve-unknown-fields'], at).toBe(true);
    });
  });

  it('does not demand a field that has a default', () => {
    visit(rootOf(index), '', (node, at) => {
      for (const name of (node['required'] as string[] | undefined) ?? []) {
        const field = (node['properties'] as Record<string, Node>)[name];
        if (at !== '') expect(field?.['default'], `${at}.${name}`).toBeUndefined();
      }
    });
  });
});

describe('printer columns', () => {
  it('show what the design promises for MeshPolicy', () => {
    const names = kinds[0]!.printerColumns
      .filter(({ priority }) => !priority)
      .map(({ name }) => name.toUpperCase());
    expect(names).toEqual(['MTLS', 'RULES', 'MODE', 'APPLIED', 'AGE']);
  });
});
