/**
 * The redirection of a pod's TCP traffic, as an nftables ruleset:
 *
 *   application ──► output ──► 15001 outbound proxy ──► network         (uid and gid 1337: not redirected)
 *   network ──► prerouting ──► 15006 inbound proxy ──► application      (from 127.0.0.6 or ::6: not redirected)
 *   own Service: outbound proxy ──► own pod address, by lo ──► 15006    (so that a pod that calls itself keeps mTLS)
 */
import type { IpBlock } from '../../core/evaluate/addresses.ts';
import type { InitEnvironment } from './env.ts';

/** uid and gid of the proxy; both are needed, since one of them a user's container could have. */
const PROXY_ID = 1337;
/** Reached in plain text by scrapers and kubelet. */
const OWN_PORTS = [15_020, 15_021];
const TABLE = 'weft';

/** `inet` has rules for both protocols. `ip` and `ip6` are for kernels whose `inet` tables have no NAT. */
export type TableFamily = 'inet' | 'ip' | 'ip6';

/** What differs between the two protocols. */
const protocols = [
  { name: 'ip', loopback: '127.0.0.0/8', inboundSource: '127.0.0.6', v4: true },
  { name: 'ip6', loopback: '::1', inboundSource: '::6', v4: false },
] as const;

/** The block in the form that nft reads, without bits beyond its length. */
export function blockText({ address, bits }: IpBlock): string {
  const words = address.words.map((word, i) => {
    const kept = Math.min(32, Math.max(0, bits - 32 * i));
    return kept === 0 ? 0 : (word & (-1 << (32 - kept))) >>> 0;
  });
  if (address.v4) {
    const word = words[3]!;
    return `${[24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join('.')}/${bits - 96}`;
  }
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  return `${groups.map((group) => group.toString(16)).join(':')}/${bits}`;
}

const portSet = (ports: readonly number[]): string =>
  [...new Set(ports)].toSorted((a, b) => a - b).join(', ');

function outputRules(options: InitEnvironment, family: TableFamily): string[] {
  const mine = protocols.filter(({ name }) => family === 'inet' || family === name);
  const { excludeOutboundPorts, excludeOutboundCidrs, outboundPort } = options;
  return [
    `meta skuid ${PROXY_ID} meta skgid ${PROXY_ID} goto from_proxy`,
    ...mine.map(({ name, loopback }) => `${name} daddr ${loopback} return`),
    ...(excludeOutboundPorts.length > 0 ? [`tcp dport { ${portSet(excludeOutboundPorts)} } return`] : []),
    ...mine.flatMap(({ name, v4 }) =>
      excludeOutboundCidrs
        .filter(({ address }) => address.v4 === v4)
        .map((block) => `${name} daddr ${blockText(block)} return`),
    ),
    `meta l4proto tcp redirect to :${outboundPort}`,
  ];
}

function proxyRules({ inboundPort }: InitEnvironment, family: TableFamily): string[] {
  return protocols
    .filter(({ name }) => family === 'inet' || family === name)
    .map(
      ({ name, loopback, inboundSource }) =>
        `oif lo ${name} daddr != ${loopback} ${name} saddr != ${inboundSource} meta l4proto tcp redirect to :${inboundPort}`,
    );
}

const inputRules = ({ inboundPort, excludeInboundPorts }: InitEnvironment): string[] => [
  'iif lo return',
  `tcp dport { ${portSet([...OWN_PORTS, ...excludeInboundPorts])} } return`,
  `meta l4proto tcp redirect to :${inboundPort}`,
];

const chain = (name: string, rules: readonly string[]): string =>
  [`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), '  }'].join('\n');

/**
 * The ruleset for `nft -f -`. One file is one transaction: the table is made anew as a whole or stays as it was, so
 * that it may run again, as after a restart of the pod's sandbox.
 */
export function ruleset(options: InitEnvironment, family: TableFamily): string {
  const table = `table ${family} ${TABLE}`;
  return [
    // declared first, since only a table that exists can be deleted
    table,
    `delete ${table}`,
    `${table} {`,
    chain('from_proxy', proxyRules(options, family)),
    chain('output', ['type nat hook output priority -100; policy accept;', ...outputRules(options, family)]),
    chain('prerouting', ['type nat hook prerouting priority -100; policy accept;', ...inputRules(options)]),
    '}',
    '',
  ].join('\n');
}
