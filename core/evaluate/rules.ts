import type { Operation, Rule, Source } from '../proxyConfig/index.ts';
import { inBlock, parseBlock, type IpAddress, type IpBlock } from './addresses.ts';
import { PolicyInvalid } from './invalid.ts';
import { canonicalEscapes } from './paths.ts';
import { compilePatterns, matchesPattern, type Patterns } from './patterns.ts';

/** What is judged, in prepared form. One object is re-used for all judgements of an authorizer. */
export interface Subject {
  principal: string | undefined;
  /** Namespace in `principal`, where it is a Kubernetes SPIFFE id. */
  namespace: string | undefined;
  address: IpAddress | undefined;
  port: number;
  /** False for a connection: nothing is known of requests. */
  http: boolean;
  method: string;
  /** Lower case, without port. */
  host: string;
  /** Undefined where the path has no honest reading. */
  path: string | undefined;
}

/** Another reading of the request: a form of its path and one of the hosts that it names. */
export interface Reading {
  readonly path: string | undefined;
  readonly host: string;
}

/** The readings that an Allow must cover all of, and those of which one suffices for any other rule. */
export interface Readings {
  readonly strict: readonly Reading[];
  readonly wide: readonly Reading[];
}

/** A list and its not… form. */
interface Condition<T> {
  readonly is: T | undefined;
  readonly not: T | undefined;
}

interface CompiledSource {
  readonly principals: Condition<Patterns>;
  readonly namespaces: Condition<Patterns>;
  readonly ipBlocks: Condition<readonly IpBlock[]>;
}

interface CompiledOperation {
  readonly ports: Condition<ReadonlySet<number>>;
  readonly methods: Condition<Patterns>;
  /** In a wide rule `is` holds lower-case patterns, for the path in lower case. */
  readonly paths: Condition<Patterns>;
  readonly hosts: Condition<Patterns>;
  readonly readsHttp: boolean;
}

export interface CompiledRule {
  readonly rule: Rule;
  /** What is unknown counts as a match, so that a Deny cannot be escaped; in an Allow it counts as none. */
  readonly wide: boolean;
  readonly from: readonly CompiledSource[] | undefined;
  readonly to: readonly CompiledOperation[] | undefined;
  readonly readsHttp: boolean;
  readonly readsPath: boolean;
  readonly readsAddress: boolean;
}

function condition<In, Out>(
  is: readonly In[] | undefined,
  not: readonly In[] | undefined,
  compile: (values: readonly In[]) => Out,
): Condition<Out> {
  return { is: is && compile(is), not: not && compile(not) };
}

function blocks(values: readonly string[], field: string): IpBlock[] {
  return values.map((value, i) => {
    const block = parseBlock(value);
    if (!block) throw new PolicyInvalid(`${field}[${i}]`, `${JSON.stringify(value)} is no address or CIDR`);
    return block;
  });
}

function compileSource(source: Source, field: string): CompiledSource {
  return {
    principals: condition(source.principals, source.notPrincipals, (values) => compilePatterns(values)),
    namespaces: condition(source.namespaces, source.notNamespaces, (values) => compilePatterns(values)),
    ipBlocks: {
      is: source.ipBlocks && blocks(source.ipBlocks, `${field}.ipBlocks`),
      not: source.notIpBlocks && blocks(source.notIpBlocks, `${field}.notIpBlocks`),
    },
  };
}

const isPresent = ({ is, not }: Condition<unknown>) => is !== undefined || not !== undefined;

const inLowerCase = (path: string) => canonicalEscapes(path).toLowerCase();

function compileOperation(to: Operation, wide: boolean): CompiledOperation {
  const methods = condition(to.methods, to.notMethods, (values) => compilePatterns(values));
  const paths = {
    is: to.paths && compilePatterns(to.paths, wide ? inLowerCase : canonicalEscapes),
    not: to.notPaths && compilePatterns(to.notPaths, canonicalEscapes),
  };
  const hosts = condition(to.hosts, to.notHosts, (values) =>
    compilePatterns(values, (host) => host.toLowerCase()),
  );
  return {
    ports: condition(to.ports, to.notPorts, (values) => new Set(values)),
    methods,
    paths,
    hosts,
    readsHttp: isPresent(methods) || isPresent(paths) || isPresent(hosts),
  };
}

/** Prepares a rule. Throws PolicyInvalid for a block that is none; `field` is the rule's place in the section. */
export function compileRule(rule: Rule, field: string): CompiledRule {
  const from = rule.from?.map((source, i) => compileSource(source, `${field}.from[${i}]`));
  const to = rule.to?.map((operation) => compileOperation(operation, rule.action !== 'Allow'));
  return {
    rule,
    wide: rule.action !== 'Allow',
    from,
    to,
    readsHttp: to?.some((operation) => operation.readsHttp) ?? false,
    readsPath: to?.some(({ paths }) => isPresent(paths)) ?? false,
    readsAddress: from?.some(({ ipBlocks }) => isPresent(ipBlocks)) ?? false,
  };
}

/** A condition on a value that may be unknown: then a positive one fails and a negated one holds only if `wide`. */
function holds(condition: Condition<Patterns>, value: string | undefined, wide: boolean): boolean {
  if (condition.is && (value === undefined || !matchesPattern(condition.is, value))) return false;
  if (condition.not && (value === undefined ? !wide : matchesPattern(condition.not, value))) return false;
  return true;
}

function inAny(blocks: readonly IpBlock[], address: IpAddress): boolean {
  for (let i = 0; i < blocks.length; i++) if (inBlock(blocks[i]!, address)) return true;
  return false;
}

function sourceMatches(source: CompiledSource, subject: Subject, wide: boolean): boolean {
  if (!holds(source.principals, subject.principal, wide)) return false;
  if (!holds(source.namespaces, subject.namespace, wide)) return false;
  const { is, not } = source.ipBlocks;
  const { address } = subject;
  if (is && (address === undefined || !inAny(is, address))) return false;
  if (not && (address === undefined ? !wide : inAny(not, address))) return false;
  return true;
}

/** Some applications take `post` for POST: a Deny of POST must cover it, an Allow of POST must not. */
function methodHolds({ is, not }: Condition<Patterns>, method: string, wide: boolean): boolean {
  if (is && !matchesPattern(is, method) && !(wide && matchesPattern(is, method.toUpperCase()))) return false;
  if (not && (matchesPattern(not, method) || (!wide && matchesPattern(not, method.toUpperCase()))))
    return false;
  return true;
}

/** Some applications serve `/ADMIN` as `/admin`: a Deny covers both, while an Allow or an exception is as it is written. */
function pathHolds({ is, not }: Condition<Patterns>, path: string, wide: boolean): boolean {
  if (is && !matchesPattern(is, wide ? path.toLowerCase() : path)) return false;
  return !(not && matchesPattern(not, path));
}

function operationMatches(operation: CompiledOperation, subject: Subject, wide: boolean): boolean {
  const { ports, methods, paths, hosts } = operation;
  if (ports.is && !ports.is.has(subject.port)) return false;
  if (ports.not && ports.not.has(subject.port)) return false;
  if (!operation.readsHttp) return true;
  if (!subject.http) return wide;
  if (isPresent(methods) && !methodHolds(methods, subject.method, wide)) return false;
  if (isPresent(paths)) {
    if (subject.path === undefined) {
      if (!wide) return false;
    } else if (!pathHolds(paths, subject.path, wide)) return false;
  }
  return !isPresent(hosts) || holds(hosts, subject.host, wide);
}

function anyOperation(rule: CompiledRule, subject: Subject): boolean {
  const to = rule.to!;
  for (let i = 0; i < to.length; i++) if (operationMatches(to[i]!, subject, rule.wide)) return true;
  return false;
}

function anySource(rule: CompiledRule, subject: Subject): boolean {
  const { from } = rule;
  if (!from) return true;
  for (let i = 0; i < from.length; i++) if (sourceMatches(from[i]!, subject, rule.wide)) return true;
  return false;
}

/**
 * True where the rule applies. With several readings of the request an Allow must apply to all of them, any other rule
 * to one. Changes `subject.path` and `subject.host`.
 */
export function ruleMatches(rule: CompiledRule, subject: Subject, readings: Readings | undefined): boolean {
  if (!anySource(rule, subject)) return false;
  if (!rule.to) return true;
  if (readings === undefined || !rule.readsHttp) return anyOperation(rule, subject);
  for (const reading of rule.wide ? readings.wide : readings.strict) {
    subject.path = reading.path;
    subject.host = reading.host;
    if (anyOperation(rule, subject) === rule.wide) return rule.wide;
  }
  return !rule.wide;
}
