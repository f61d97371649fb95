import { describe, expect, it } from 'vitest';
import { crdOf, kinds } from './index.ts';

type Node = Record<string, unknown>;

/** Every schema node below `node` with its path. */
function nodes(node: Node, at: string): [string, Node][] {
  const fields = Object.entries((node['properties'] as Record<string, Node> | undefined) ?? {});
  const values = node['additionalProperties'];
  return [
    [at, node],
    ...fields.flatMap(([name, child]) => nodes(child, `${at}.${name}`)),
    ...(node['items'] ? nodes(node['items'] as Node, `${at}[]`) : []),
    ...(typeof values === 'object' ? nodes(values as Node, `${at}.*`) : []),
  ];
}

const rootOf = (index: number) => {
  const crd = crdOf(kinds[index]!) as unknown as {
    spec: { versions: [{ schema: { openAPIV3Schema: Node } }] };
  };
  return crd.spec.versions[0].schema.openAPIV3Schema;
};

const FORBIDDEN = ['patternProperties', '$ref', 'const', '$id', 'definitions', 'dependencies'];
const paths = (found: [string, Node][]) => found.map(([at]) => at);

describe.each(kinds.map(({ kind }, index) => [kind, index] as const))('the CRD of %s', (_kind, index) => {
  const all = nodes(rootOf(index), '');

  it('is structural: every node has a type and none of the forbidden keywords', () => {
    expect(all.length).toBeGreaterThan(10);
    expect(paths(all.filter(([, node]) => typeof node['type'] !== 'string'))).toEqual([]);
    expect(paths(all.filter(([, node]) => FORBIDDEN.some((keyword) => keyword in node)))).toEqual([]);
    expect(paths(all.filter(([, node]) => node['additionalProperties'] === false))).toEqual([]);
    expect(paths(all.filter(([, node]) => node['properties'] && node['additionalProperties']))).toEqual([]);
  });

  it('keeps unknown keys in spec, so that the webhook can refuse them by name', () => {
    const closed = all.filter(([at, node]) => at.startsWith('.spec') && node['properties']);
    expect(closed.length).toBeGreaterThan(1);
    expect(paths(closed.filter(([, node]) => node['x-kubernetes-preserve-unknown-fields'] !== true))).toEqual(
      [],
    );
  });

  it('does not demand a field that has a default', () => {
    const demanded = all.filter(([at, node]) => {
      const fields = node['properties'] as Record<string, Node> | undefined;
      const required = (node['required'] as string[] | undefined) ?? [];
      return at !== '' && required.some((name) => fields?.[name]?.['default'] !== undefined);
    });
    expect(paths(demanded)).toEqual([]);
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
