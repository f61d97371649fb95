/** Who is at the other end of an inbound connection, and whether it may be here: judged by the configuration in force. */
import type { ConnectionFacts, RequestFacts } from '../../core/evaluate/index.ts';
import type { Code } from '../../core/errors/index.ts';
import type { ConfigState, DataPlane } from '../context.ts';
import type { Series, Verdict } from '../telemetry/types.ts';
import { normalizeAddress } from '../wire/address.ts';
import type { Channel } from '../wire/channel.ts';

export interface Refusal {
  code: Code;
  verdict: Verdict | undefined;
}

export class Peer {
  /** SPIFFE id that was proved; undefined in plain text. */
  readonly principal: string | undefined;
  /** Port of the workload, as policy sees it. */
  readonly port: number;
  readonly plane: DataPlane;
  /** Reused for each request: judging must not allocate. */
  readonly facts: RequestFacts;

  constructor(
    plane: DataPlane,
    channel: Channel,
    { port, principal }: { port: number; principal: string | undefined },
  ) {
    this.plane = plane;
    this.port = port;
    this.principal = principal;
    const remoteAddress = normalizeAddress(channel.raw.remoteAddress ?? '');
    this.facts = { principal, remoteAddress, port, method: '', path: '', host: '' };
  }

  get config(): ConfigState | undefined {
    return this.plane.config.current;
  }

  /** Plain text where only mTLS is accepted. */
  mtlsRefusal(config: ConfigState): Refusal | undefined {
    if (this.principal !== undefined) return undefined;
    const { mode, policy } = config.authorizer.mode(this.port);
    if (mode !== 'Strict') return undefined;
    return { code: 'MTLS_REQUIRED', verdict: { action: 'Deny', policy, rule: 'mtls' } };
  }

  /** Judges the connection as one that carries bytes; counts the verdict. */
  connectionRefusal(): Refusal | undefined {
    const { config } = this;
    if (!config) return { code: 'NOT_CONFIGURED', verdict: undefined };
    const refusal = this.mtlsRefusal(config);
    if (refusal) return refusal;
    const facts: ConnectionFacts = this.facts;
    const verdict = config.authorizer.connection(facts);
    this.plane.telemetry.verdict(verdict);
    return verdict.action === 'Deny' ? { code: 'AUTHORIZATION_DENIED', verdict } : undefined;
  }

  /** True where the connection may carry bytes now. For what is open already: counts nothing. */
  stillAllowed(): boolean {
    const { config } = this;
    // what is in force stays in force: no configuration is never a reason to close
    if (!config) return true;
    return !this.mtlsRefusal(config) && config.authorizer.connection(this.facts).action === 'Allow';
  }

  /** The same for an upgraded request. */
  requestStillAllowed(facts: RequestFacts): boolean {
    const { config } = this;
    if (!config) return true;
    return !this.mtlsRefusal(config) && config.authorizer.request(facts).action === 'Allow';
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
