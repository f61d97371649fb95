import { GROUP, VERSION, type Kind } from './common.ts';

type Json = Record<string, unknown>;

/**
 * A structural OpenAPI v3 schema (Kubernetes "Specifying a structural schema") from a TypeBox schema.
 * Closed objects become `x-kubernetes-preserve-unknown-fields`: pruning would drop a misspelt key silently for
 * clients that don't ask for strict validation; kept, it reaches the admission webhook, which refuses it by name.
 */
export function toStructural(schema: object): Json {
  const { required, properties, patternProperties, additionalProperties, items, ...rest } = schema as Json;
  const out: Json = { ...rest };
  delete out['~kind'];
  if (out['enum'] && !out['type']) out['type'] = 'string';
  if (properties) {
    const fields = properties as Record<string, Json>;
    out['properties'] = Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, toStructural(field)]),
    );
    const needed = ((required as string[] | undefined) ?? []).filter(
      (name) => fields[name]!['default'] === undefined,
    );
    if (needed.length > 0) out['required'] = needed;
    if (additionalProperties === false) out['x-kubernetes-preserve-unknown-fields'] = true;
  }
  if (patternProperties) {
    const [value] = Object.values(patternProperties as Record<string, Json>);
    out['additionalProperties'] = toStructural(value!);
  }
  if (items) out['items'] = toStructural(items as Json);
  return out;
}

/** The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind. */
export function crdOf(kind: Kind): Json {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${GROUP}`, labels: { 'app.kubernetes.io/part-of': 'weft' } },
    spec: {
      group: GROUP,
      scope: kind.scope,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: ['weft', 'mesh'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.printerColumns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: kind.description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: toStructural(kind.spec),
                status: { ...toStructural(kind.status) },
              },
              ...(kind.rules ? { 'x-kubernetes-validations': kind.rules } : {}),
            },
          },
        },
      ],
    },
  };
}
