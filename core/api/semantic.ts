/** What a resource must obey beyond its schema. Pure: the same checks refuse at admission and guard the operator. */
import type { Problem, Result } from '../errors/index.ts';
import { API_VERSION, durationMs } from './common.ts';
import type { MeshConfig } from './meshConfig.ts';
import type { MeshPolicy, PolicyOperation, PolicyRule, PolicySource } from './meshPolicy.ts';
import { parseMeshConfigSpec, parseMeshPolicySpec } from './validate.ts';
import {
  cidrProblem,
  hostProblem,
  methodProblem,
  pathProblem,
  patternProblem,
  principalProblem,
  quantity,
} from './values.ts';

type Check = (text: string) => string | undefined;

const invalid = (field: string, message: string): Problem => ({ code: 'INVALID_FIELD', field, message });
const unsupported = (field: string): Problem => ({
  code: 'NOT_SUPPORTED',
  field,
  message: 'is reserved for a later version; remove it',
});

/** The checks of the fields of a source or an operation, by field. Fields not listed need none. */
const sourceChecks: Partial<Record<keyof PolicySource, Check>> = {
  namespaces: patternProblem,
  notNamespaces: patternProblem,
  principals: principalProblem,
  notPrincipals: principalProblem,
  ipBlocks: cidrProblem,
  notIpBlocks: cidrProblem,
};
const operationChecks: Partial<Record<keyof PolicyOperation, Check>> = {
  methods: methodProblem,
  notMethods: methodProblem,
  paths: pathProblem,
  notPaths: pathProblem,
  hosts: hostProblem,
  notHosts: hostProblem,
};

function checkLists<T extends object>(
  value: T,
  at: string,
  checks: Partial<Record<keyof T, Check>>,
): Problem[] {
  return Object.entries(checks as Record<string, Check>).flatMap(([field, check]) => {
    const items = (value as Record<string, readonly string[] | undefined>)[field] ?? [];
    return items.flatMap((item, index) => {
      const message = check(item);
      return message ? [invalid(`${at}.${field}[${index}]`, `${JSON.stringify(item)} ${message}`)] : [];
    });
  });
}

function checkRule(rule: PolicyRule, at: string): Problem[] {
  const problems: Problem[] = [];
  if (rule.when !== undefined) problems.push(unsupported(`${at}.when`));
  for (const [index, source] of (rule.from ?? []).entries()) {
    const from = `${at}.from[${index}]`;
    for (const field of ['requestPrincipals', 'notRequestPrincipals'] as const) {
      if (source[field]) problems.push(unsupported(`${from}.${field}`));
    }
    problems.push(...checkLists(source, from, sourceChecks));
  }
  for (const [index, operation] of (rule.to ?? []).entries()) {
    problems.push(...checkLists(operation, `${at}.to[${index}]`, operationChecks));
  }
  return problems;
}

function checkRules(rules: readonly PolicyRule[]): Problem[] {
  const at = 'spec.authorization.rules';
  const first = new Map<string, number>();
  return rules.flatMap((rule, index) => {
    const problems = checkRule(rule, `${at}[${index}]`);
    if (rule.name === undefined) return problems;
    const earlier = first.get(rule.name);
    if (earlier === undefined) first.set(rule.name, index);
    else problems.push(invalid(`${at}[${index}].name`, `${rule.name} is the name of rules[${earlier}] too`));
    return problems;
  });
}

const NAME = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const LABEL_KEY = new RegExp(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${NAME}$`);
const LABEL_VALUE = new RegExp(`^(${NAME})?$`);

/**
 * Labels that differ between pods of one template. Documents are made per template, so a selector cannot use them
 * (core/proxyConfig/labels.ts; a test holds the two together).
 */
const GENERATED_LABEL =
  /^(pod-template-hash|controller-revision-hash|pod-template-generation|controller-uid|job-name|rollouts-pod-template-hash|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|topology\.kubernetes\.io\/(region|zone)|batch\.kubernetes\.io\/.*)$/;

function checkLabels(labels: Readonly<Record<string, string>>, at: string): Problem[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(GENERATED_LABEL.test(key)
      ? [
          invalid(
            `${at}.${key}`,
            'is set by a controller and no part of a pod template; use labels of the template',
          ),
        ]
      : []),
    ...(LABEL_KEY.test(key) ? [] : [invalid(at, `${JSON.stringify(key)} is not a label key`)]),
    ...(LABEL_VALUE.test(value)
      ? []
      : [invalid(`${at}.${key}`, `${JSON.stringify(value)} is not a label value`)]),
  ]);
}

/** Checks the meaning of a MeshPolicy that matches its schema. Empty: nothing is wrong. */
export function checkMeshPolicy({ spec }: Pick<MeshPolicy, 'spec'>): Problem[] {
  const problems: Problem[] = [];
  if (spec.jwt) problems.push(unsupported('spec.jwt'));
  else if (!spec.mtls && !spec.authorization) problems.push(invalid('spec', 'needs mtls or authorization'));
  problems.push(...checkLabels(spec.selector?.matchLabels ?? {}, 'spec.selector.matchLabels'));
  problems.push(...checkRules(spec.authorization?.rules ?? []));
  return problems;
}

/** The longest delay that a timer takes, in ms. */
const TIMER_MAX = '596h';

function checkDuration(text: string, field: string, [min, max]: readonly [string, string]): Problem[] {
  const value = durationMs(text);
  if (value >= durationMs(min) && value <= durationMs(max)) return [];
  return [invalid(field, `${text} is not from ${min} to ${max}`)];
}

function checkAmounts(resources: MeshConfig['spec']['proxy']['resources']): Problem[] {
  const at = 'spec.proxy.resources';
  const { requests, limits } = resources;
  const problems: Problem[] = [];
  for (const [list, amounts] of Object.entries({ requests, limits })) {
    if (amounts?.cpu && !/^[0-9.]+m?$/.test(amounts.cpu)) {
      problems.push(
        invalid(`${at}.${list}.cpu`, `${amounts.cpu} is not an amount of CPU such as 20m or 0.5`),
      );
    }
    if (amounts?.memory?.endsWith('m')) {
      problems.push(
        invalid(`${at}.${list}.memory`, `${amounts.memory} is thousandths of a byte; Mi is meant`),
      );
    }
  }
  for (const name of ['cpu', 'memory'] as const) {
    const request = requests?.[name];
    const limit = limits?.[name];
    if (request && limit && (quantity(limit) ?? 0) < (quantity(request) ?? 0)) {
      problems.push(invalid(`${at}.limits.${name}`, `${limit} is less than the request of ${request}`));
    }
  }
  return problems;
}

/** Checks the meaning of a MeshConfig that matches its schema. Empty: nothing is wrong. */
export function checkMeshConfig({ metadata, spec }: Pick<MeshConfig, 'metadata' | 'spec'>): Problem[] {
  const { identity, proxy } = spec;
  const problems = [
    ...checkDuration(identity.leafLifetime, 'spec.identity.leafLifetime', ['2m', '720h']),
    ...checkDuration(identity.intermediateLifetime, 'spec.identity.intermediateLifetime', ['4m', '43800h']),
    ...checkDuration(proxy.drain, 'spec.proxy.drain', ['0s', '1h']),
    ...checkDuration(proxy.connectTimeout, 'spec.proxy.connectTimeout', ['10ms', '5m']),
    ...checkDuration(proxy.idleTimeout, 'spec.proxy.idleTimeout', ['1s', TIMER_MAX]),
    ...checkAmounts(proxy.resources),
  ];
  if (metadata.name !== 'default') problems.push(invalid('metadata.name', 'must be default: there is one'));
  if (durationMs(identity.intermediateLifetime) <= durationMs(identity.leafLifetime)) {
    problems.push(invalid('spec.identity.intermediateLifetime', 'must be longer than leafLifetime'));
  }
  if (spec.trustDomain.split('.').some((part) => part === '' || part.startsWith('-') || part.endsWith('-'))) {
    problems.push(invalid('spec.trustDomain', `${spec.trustDomain} is not a domain name`));
  }
  return problems;
}

/** A resource as it came from the API or a file, before anything of it was checked. */
export interface RawResource {
  apiVersion?: string;
  kind?: string;
  metadata: MeshPolicy['metadata'];
  spec?: unknown;
}

/** Schema, defaults and meaning of a MeshPolicy, in one step. */
export function parseMeshPolicy(raw: RawResource): Result<MeshPolicy> {
  const spec = parseMeshPolicySpec(raw.spec);
  if (!spec.ok) return spec;
  const policy: MeshPolicy = {
    apiVersion: API_VERSION,
    kind: 'MeshPolicy',
    metadata: raw.metadata,
    spec: spec.value,
  };
  const problems = checkMeshPolicy(policy);
  return problems.length > 0 ? { ok: false, error: problems } : { ok: true, value: policy };
}

/** Schema, defaults and meaning of a MeshConfig, in one step. */
export function parseMeshConfig(raw: RawResource): Result<MeshConfig> {
  const spec = parseMeshConfigSpec(raw.spec);
  if (!spec.ok) return spec;
  const config: MeshConfig = {
    apiVersion: API_VERSION,
    kind: 'MeshConfig',
    metadata: raw.metadata,
    spec: spec.value,
  };
  const problems = checkMeshConfig(config);
  return problems.length > 0 ? { ok: false, error: problems } : { ok: true, value: config };
}
