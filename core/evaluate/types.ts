import type { InboundPolicy } from '../proxyConfig/index.ts';

/** What is known of a connection when it is judged. */
export interface ConnectionFacts {
  /** SPIFFE id that the peer proved; undefined for plain text. */
  principal: string | undefined;
  /** Address of the peer as the proxy sees it. */
  remoteAddress: string;
  /** Port of the workload. */
  port: number;
}

/** What is known of an HTTP request when it is judged. */
export interface RequestFacts extends ConnectionFacts {
  method: string;
  /** The request target's path with its query, as it came. */
  path: string;
  /** Host header (or authority) as it came; '' where there is none. */
  host: string;
}

/** A verdict with its reason; has the shape of proxy/telemetry's Verdict. */
export interface Decision {
  action: 'Allow' | 'Deny';
  /** `namespace/name` of the deciding policy; '' for a default without a policy. */
  policy: string;
  /** Name of the deciding rule, or `default`. */
  rule: string;
  shadow?: 'Allow' | 'Deny';
  audited?: readonly string[];
}

export type Mode = InboundPolicy['mtls']['mode'];

/** A section's inbound policy, prepared so that judging allocates nothing in the usual case. */
export interface Authorizer {
  /** mTLS mode of a workload port, and what Shadow policies would make of it where that differs. */
  mode(port: number): { mode: Mode; shadow?: Mode; policy: string };
  /** True where no rule looks at HTTP and the verdict on the connection holds for all its requests. */
  readonly connectionOnly: boolean;
  connection(facts: ConnectionFacts): Decision;
  request(facts: RequestFacts): Decision;
}
