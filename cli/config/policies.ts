/** What a proxy lets in: the policies that select its pod, combined. */
import type { InboundPolicy, Rule, Section } from '../../core/proxyConfig/index.ts';
import { tableText } from '../output.ts';
import type { ConfigPage } from '../cluster/proxy.ts';

/** `serviceAccounts`-like fields in one cell: `principals=a,b; ports=8080`. */
const fieldsText = (value: object): string =>
  Object.entries(value)
    .map(([field, values]) => `${field}=${(values as readonly unknown[]).join(',')}`)
    .join(' ');

const anyOf = (values: readonly object[] | undefined): string => (values ?? []).map(fieldsText).join(' | ');

const ruleRow = ({ action, policy, name, from, to }: Rule): string[] => [
  action,
  policy,
  name,
  anyOf(from) || 'anybody',
  anyOf(to) || 'anything',
];

function inboundText({ mtls, authorization }: InboundPolicy): string {
  const ports = Object.entries(mtls.ports).map(([port, mode]) => `; port ${port}: ${mode}`);
  const by = (policies: readonly string[]): string =>
    policies.length === 0 ? ' (no policy)' : ` (MeshPolicy ${policies.join(', ')})`;
  return [
    `mTLS: ${mtls.mode}${by(mtls.policy === undefined ? [] : [mtls.policy])}${ports.join('')}\n`,
    `authorization: otherwise ${authorization.default}${by(authorization.policies)}\n`,
    ...(authorization.rules.length > 0
      ? [tableText(['ACTION', 'POLICY', 'RULE', 'FROM', 'TO'], authorization.rules.map(ruleRow))]
      : []),
  ].join('');
}

const sectionText = ({ inbound, shadow }: Section): string =>
  [
    inboundText(inbound),
    ...(shadow ? ['\nif those in Shadow mode were enforced:\n', inboundText(shadow)] : []),
  ].join('');

export function policiesText({ section, document }: ConfigPage): string {
  const resources = Object.entries(document?.resources ?? {}).map(([key, { generation }]) => [
    key,
    String(generation),
  ]);
  return [
    section ? sectionText(section) : 'no section is for the labels of this pod\n',
    ...(resources.length > 0 ? ['\n', tableText(['RESOURCE', 'GENERATION'], resources)] : []),
  ].join('');
}
