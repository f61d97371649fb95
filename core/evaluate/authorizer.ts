import type { InboundPolicy, Section } from '../proxyConfig/index.ts';
import { parseAddress, type IpAddress } from './addresses.ts';
import { pathForms, plainEnd, splitTarget, trimEnd } from './paths.ts';
import {
  compileRule,
  ruleMatches,
  type CompiledRule,
  type Reading,
  type Readings,
  type Subject,
} from './rules.ts';
import type { Authorizer, ConnectionFacts, Decision, Mode, RequestFacts } from './types.ts';

/** Callers and addresses remembered in prepared form; past this many the memory starts anew. */
const MAX_REMEMBERED = 4096;

type Action = Decision['action'];

/** A verdict made once, with its variants for what Shadow policies say. */
interface Outcome {
  readonly plain: Decision;
  readonly shadow: Readonly<Record<Action, Decision>>;
}

interface CompiledPolicy {
  readonly deny: readonly (readonly [CompiledRule, Outcome])[];
  readonly allow: readonly (readonly [CompiledRule, Outcome])[];
  readonly audit: readonly CompiledRule[];
  readonly otherwise: Outcome;
  readonly rules: readonly CompiledRule[];
}

function outcome(action: Action, policy: string, rule: string): Outcome {
  const plain = Object.freeze({ action, policy, rule });
  const beside = (shadow: Action): Decision =>
    shadow === action ? plain : Object.freeze({ action, policy, rule, shadow });
  return { plain, shadow: { Allow: beside('Allow'), Deny: beside('Deny') } };
}

function compilePolicy({ authorization }: InboundPolicy, field: string): CompiledPolicy {
  const rules = authorization.rules.map((rule, i) => compileRule(rule, `${field}.authorization.rules[${i}]`));
  const decided = (action: Action) =>
    rules
      .filter(({ rule }) => rule.action === action)
      .map((compiled) => [compiled, outcome(action, compiled.rule.policy, compiled.rule.name)] as const);
  return {
    deny: decided('Deny'),
    allow: decided('Allow'),
    audit: rules.filter(({ rule }) => rule.action === 'Audit'),
    otherwise: outcome(authorization.default, authorization.policies.join(','), 'default'),
    rules,
  };
}

function decide(policy: CompiledPolicy, subject: Subject, readings: Readings | undefined): Outcome {
  for (const [rule, outcome] of policy.deny) if (ruleMatches(rule, subject, readings)) return outcome;
  for (const [rule, outcome] of policy.allow) if (ruleMatches(rule, subject, readings)) return outcome;
  return policy.otherwise;
}

/** Host without port, user information and final dot, in lower case. */
function bareHost(host: string): string {
  let end = host.length;
  const colon = host.lastIndexOf(':');
  if (colon !== -1 && host.indexOf(']', colon) === -1) end = colon;
  while (end > 0 && host.charCodeAt(end - 1) === 0x2e) end -= 1;
  return host.slice(host.lastIndexOf('@') + 1, end).toLowerCase();
}

/** Every form of the path with every host that the request names. */
function readingsOf(facts: RequestFacts, readsPath: boolean): Readings {
  const { path, authority } = splitTarget(facts.path);
  const hosts = [bareHost(facts.host)];
  if (authority !== undefined && !hosts.includes(bareHost(authority))) hosts.push(bareHost(authority));
  const forms: readonly (string | undefined)[] = (readsPath ? pathForms(path) : [path]) ?? [undefined];
  const strict = hosts.flatMap((host) => forms.map((form): Reading => ({ path: form, host })));
  // many applications serve `/admin/` as `/admin`: what is denied the one is denied the other
  const wide = strict
    .filter(({ path }) => path !== undefined && path.length > 1 && path.endsWith('/'))
    .map(({ path, host }): Reading => ({ path: trimEnd(path!, '/') || '/', host }));
  return { strict, wide: [...strict, ...wide] };
}

/** Remembers what `make` gave for the keys seen last. */
function remember<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined && !known.has(key)) {
      if (known.size === MAX_REMEMBERED) known.clear();
      value = make(key);
      known.set(key, value);
    }
    return value as T;
  };
}

/** `ns` of `spiffe://<trust domain>/ns/<ns>/sa/<service account>`. */
const namespaceOf = (principal: string): string | undefined =>
  /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/[^/]+$/.exec(principal)?.[1];

type ModeOf = Authorizer['mode'];

function compileModes({ inbound, shadow }: Section): ModeOf {
  const modeOf = (policy: InboundPolicy, port: string): Mode => policy.mtls.ports[port] ?? policy.mtls.mode;
  const entry = (port: string) => {
    const mode = modeOf(inbound, port);
    const other = shadow && modeOf(shadow, port);
    const policy = inbound.mtls.policy ?? '';
    return Object.freeze(
      other === undefined || other === mode ? { mode, policy } : { mode, shadow: other, policy },
    );
  };
  const ports = new Set([...Object.keys(inbound.mtls.ports), ...Object.keys(shadow?.mtls.ports ?? {})]);
  const byPort = new Map([...ports].map((port) => [Number(port), entry(port)]));
  const general = entry('');
  return (port) => byPort.get(port) ?? general;
}

/**
 * Prepares a section's inbound policy. Deny beats Allow, Allow beats the default; Shadow policies are judged beside
 * and reported where they differ. Throws PolicyInvalid for an address block that is none.
 */
export function compileAuthorizer(section: Section): Authorizer {
  const enforced = compilePolicy(section.inbound, 'inbound');
  const shadow = section.shadow && compilePolicy(section.shadow, 'shadow');
  const rules = [...enforced.rules, ...(shadow?.rules ?? [])];
  const readsHttp = rules.some((rule) => rule.readsHttp);
  const readsPath = rules.some((rule) => rule.readsPath);
  const readsAddress = rules.some((rule) => rule.readsAddress);
  const namespace = remember(namespaceOf);
  const address = remember<IpAddress | undefined>(parseAddress);
  const subject: Subject = {
    principal: undefined,
    namespace: undefined,
    address: undefined,
    port: 0,
    http: false,
    method: '',
    host: '',
    path: undefined,
  };

  function verdict(readings: Readings | undefined): Decision {
    const found = decide(enforced, subject, readings);
    const decision = shadow ? found.shadow[decide(shadow, subject, readings).plain.action] : found.plain;
    let audited: string[] | undefined;
    // `shadow` holds the rules of enforced policies too
    for (const rule of (shadow ?? enforced).audit) {
      if (ruleMatches(rule, subject, readings))
        (audited ??= []).push(`${rule.rule.policy}/${rule.rule.name}`);
    }
    return audited ? { ...decision, audited } : decision;
  }

  function prepare(facts: ConnectionFacts): void {
    subject.principal = facts.principal;
    subject.namespace = facts.principal === undefined ? undefined : namespace(facts.principal);
    subject.address = readsAddress ? address(facts.remoteAddress) : undefined;
    subject.port = facts.port;
  }

  function connection(facts: ConnectionFacts): Decision {
    prepare(facts);
    subject.http = false;
    return verdict(undefined);
  }

  function request(facts: RequestFacts): Decision {
    if (!readsHttp) return connection(facts);
    prepare(facts);
    subject.http = true;
    subject.method = facts.method;
    const end = plainEnd(facts.path);
    // a single reading, unless its final slash gives Deny rules a second one
    if (end > 0 && (end === 1 || facts.path.charCodeAt(end - 1) !== 0x2f)) {
      subject.path = end === facts.path.length ? facts.path : facts.path.slice(0, end);
      subject.host = bareHost(facts.host);
      return verdict(undefined);
    }
    return verdict(readingsOf(facts, readsPath));
  }

  return { mode: compileModes(section), connectionOnly: !readsHttp, connection, request };
}
