/** What `weft inject` does with the text of manifests. No cluster is asked: the text is all that is known. */
// CommonJS whose names Node does not see
import jsonPatch, { type Operation as JsonPatchOperation } from 'fast-json-patch';
import type { MeshConfigSpec } from '../core/api/index.ts';
import { codes, WeftError } from '../core/errors/index.ts';
import { label } from '../core/model/names.ts';
import {
  DEFAULT_REVISION,
  explain,
  injectPod,
  type InjectContext,
  type Pod,
} from '../webhook/inject/index.ts';
import { isObject, templateOf, type Resource, type Template } from './workloads.ts';
import { readDocuments, writeDocument } from './yaml.ts';

export interface InjectSettings {
  image: InjectContext['image'];
  mesh: MeshConfigSpec;
  systemNamespace: string;
  /** Of resources that name none. */
  namespace: string;
}

/** What was decided about one resource. */
export interface Report {
  /** `Deployment shop/cart`. */
  resource: string;
  outcome: 'injected' | 'skipped' | 'refused';
  lines: string[];
  warnings: string[];
  /** Which fields were set, and why. */
  reasons: string[];
}

export interface Injected {
  text: string;
  reports: Report[];
}

type NamespaceLabels = Map<string, Readonly<Record<string, string>>>;

interface Run extends InjectSettings {
  namespaces: NamespaceLabels;
  reports: Report[];
}

/** Labels of a namespace that is in the text too; any other counts as enabled, since injection is asked for. */
function labelsOf(run: Run, namespace: string): Readonly<Record<string, string>> {
  return run.namespaces.get(namespace) ?? { [label.injection]: 'enabled' };
}

function contextOf(run: Run, namespace: string, { workload }: Template): InjectContext {
  const labels = labelsOf(run, namespace);
  return {
    namespace: { name: namespace, labels },
    systemNamespace: run.systemNamespace,
    revision: labels[label.revision] ?? DEFAULT_REVISION,
    trustDomain: run.mesh.trustDomain,
    image: run.image,
    mesh: run.mesh,
    lookupOwner: () => undefined,
    ...(workload ? { workload } : {}),
  };
}

/** The resource with a proxy, or itself where it gets none. */
function injectResource(resource: Resource, run: Run): Resource {
  const namespace = resource.metadata?.namespace ?? run.namespace;
  const template = templateOf(resource, namespace);
  if (!template) return resource;
  const result = injectPod(template.pod, contextOf(run, namespace, template));
  const report: Report = {
    resource: `${resource.kind} ${namespace}/${resource.metadata?.name ?? '(generated)'}`,
    outcome: result.outcome,
    lines: [],
    warnings: result.warnings,
    reasons: [],
  };
  run.reports.push(report);
  if (result.outcome === 'skipped') report.lines.push(`${result.reason}: ${result.message}`);
  if (result.outcome === 'refused') {
    const lines = result.problems.map((p) => `${p.code} ${p.field}: ${p.message}; ${codes[p.code].remedy}`);
    report.lines.push(...lines);
  }
  if (result.outcome !== 'injected') return resource;
  const { kind, name } = result.workload;
  report.lines.push(`as workload ${kind}/${name}`);
  const patched = jsonPatch.applyPatch<Pod>(
    template.pod,
    result.patch as JsonPatchOperation[],
    true,
    false,
  ).newDocument;
  report.reasons = explain(template.pod, patched).map(({ field, why }) => `${field}: ${why}`);
  return template.replaced(patched);
}

/** A resource, or a List of them; the same object where nothing changed. */
function injectValue(value: unknown, run: Run): unknown {
  if (!isObject(value)) return value;
  if (value['kind'] !== 'List' || !Array.isArray(value['items'])) return injectResource(value, run);
  const items = value['items'].map((item) => injectValue(item, run));
  return items.every((item, index) => item === (value['items'] as unknown[])[index])
    ? value
    : { ...value, items };
}

function namespacesIn(values: readonly unknown[]): NamespaceLabels {
  const found: NamespaceLabels = new Map();
  for (const value of values) {
    if (!isObject(value)) continue;
    if (value['kind'] === 'List' && Array.isArray(value['items'])) {
      for (const [name, labels] of namespacesIn(value['items'])) found.set(name, labels);
    }
    const { kind, metadata } = value as Resource;
    if (kind === 'Namespace' && metadata?.name) found.set(metadata.name, metadata.labels ?? {});
  }
  return found;
}

/**
 * Injects all pods and pod templates of a multi-document YAML text. Documents without change keep their very text,
 * comments included. Throws WeftError FILE_INVALID where it is no YAML.
 */
export function injectDocuments(text: string, settings: InjectSettings, name = 'input'): Injected {
  const documents = readDocuments(text, name);
  const namespaces = namespacesIn(documents.map(({ value }) => value));
  const run: Run = { ...settings, namespaces, reports: [] };
  const parts = documents.map((document) => {
    try {
      const value = injectValue(document.value, run);
      return value === document.value
        ? document.text
        : `${document.line === 1 ? '' : '\n'}${writeDocument(value)}`;
    } catch (cause) {
      if (cause instanceof WeftError) throw cause;
      const message = `the document at line ${document.line} is no such resource: ${(cause as Error).message}`;
      throw new WeftError('FILE_INVALID', message, { resource: name, cause });
    }
  });
  return { text: parts.join('---'), reports: run.reports };
}
