import type { InboundPolicy, Rule, Section } from '../../proxyConfig/index.ts';
import { compileAuthorizer, type RequestFacts } from '../index.ts';

export type Default = InboundPolicy['authorization']['default'];

export const CART = 'spiffe://cluster.local/ns/shop/sa/cart';

export function inbound(rules: Partial<Rule>[], otherwise: Default = 'Deny'): InboundPolicy {
  return {
    mtls: { mode: 'Permissive', ports: {} },
    authorization: {
      default: otherwise,
      policies: ['shop/payment'],
      rules: rules.map((rule, i) => ({ policy: 'shop/payment', name: `#${i}`, action: 'Allow', ...rule })),
    },
  };
}

export const section = (inbound: InboundPolicy, shadow?: InboundPolicy): Section => ({
  labels: {},
  inbound,
  ...(shadow && { shadow }),
  protocols: {},
});

export const authorizer = (rules: Partial<Rule>[], otherwise?: Default) =>
  compileAuthorizer(section(inbound(rules, otherwise)));

export const request = (facts: Partial<RequestFacts> = {}): RequestFacts => ({
  principal: CART,
  remoteAddress: '10.0.0.1',
  port: 8080,
  method: 'POST',
  path: '/charge',
  host: 'payment:8080',
  ...facts,
});

export const action = (rules: Partial<Rule>[], facts: Partial<RequestFacts> = {}, otherwise?: Default) =>
  authorizer(rules, otherwise).request(request(facts)).action;
