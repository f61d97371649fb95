/** Who is at the other end of an inbound connection, and whether it may be here: judged by the configuration in force. */
import type { RequestFacts } from '../../core/evaluate/index.ts';
import type { Code } from '../../core/errors/index.ts';
import type { ConfigState, DataPlane } from '../context.ts';
import type { Series, Verdict } from '../telemetry/types.ts';
import type { Channel } from '../wire/channel.ts';

export class Peer {
  /** SPIFFE id that was proved; undefined in plain text. */
  readonly principal: string | undefined;
  /** Port of the workload, as policy sees it. */
  readonly port: number;
  readonly plane: DataPlane;
  /** Reused for each request: judging must not allocate. */
  readonly facts: RequestFacts;
  /** The last judgement. */
  verdict: Verdict | undefined;

  constructor(
    plane: DataPlane,
    channel: Channel,
    { port, principal }: { port: number; principal: string | undefined },
  ) {
    this.plane = plane;
    this.port = port;
    this.principal = principal;
    this.facts = { principal, remoteAddress: channel.remoteAddress, port, method: '', path: '', host: '' };
  }

  get config(): ConfigState | undefined {
    return this.plane.config.current;
  }

  /**
   * Judges the request in `facts`, or the connection as one that carries bytes, and counts the verdict. Returns why it
   * is refused, or undefined.
   */
  judge(config: ConfigState, what: 'request' | 'connection'): Code | undefined {
    const { authorizer } = config;
    const decision = authorizer[what](this.facts);
    const strict = this.principal === undefined && authorizer.mode(this.port).mode === 'Strict';
    this.verdict = this.principal === undefined ? this.plainVerdict(config, decision) : decision;
    this.plane.telemetry.verdict(this.verdict);
    if (strict) return 'MTLS_REQUIRED';
    return this.verdict.action === 'Deny' ? 'AUTHORIZATION_DENIED' : undefined;
  }

  /** True where what is open already may stay: counts nothing. */
  stillAllowed(what: 'request' | 'connection', facts: RequestFacts = this.facts): boolean {
    const { config } = this;
    // what is in force stays in force: no configuration is never a reason to close
    if (!config) return true;
    const { authorizer } = config;
    if (this.principal === undefined && authorizer.mode(this.port).mode === 'Strict') return false;
    return authorizer[what](facts).action === 'Allow';
  }

  /** The modes of enforced and Shadow policies, applied to plain text. */
  private plainVerdict({ authorizer }: ConfigState, decision: Verdict): Verdict {
    const { mode, shadow: shadowMode, policy } = authorizer.mode(this.port);
    if (mode !== 'Strict' && shadowMode !== 'Strict') return decision;
    const { shadow: _shadow, ...plain } = decision;
    const enforced: Verdict = mode === 'Strict' ? { action: 'Deny', policy, rule: 'mtls' } : plain;
    const inShadow = (shadowMode ?? mode) === 'Strict' ? 'Deny' : (decision.shadow ?? decision.action);
    return inShadow === enforced.action ? enforced : { ...enforced, shadow: inShadow };
  }

  series(protocol: 'http' | 'tcp'): Series {
    return this.plane.telemetry.series({
      direction: 'inbound',
      source: this.principal ?? '',
      destination: this.plane.identity.current?.spiffeId ?? '',
      service: String(this.port),
      protocol,
      security: this.principal === undefined ? 'plain' : 'mtls',
    });
  }
}
