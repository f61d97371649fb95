import { describe, expect, it } from 'vitest';
import { readInitEnvironment } from './env.ts';
import { parseIpv6State } from './ipv6.ts';
import { redirect, type Apply } from './nft.ts';
import { ruleset } from './rules.ts';

const excluded = readInitEnvironment({
  WEFT_EXCLUDE_INBOUND_PORTS: '9000, 22,9000',
  WEFT_EXCLUDE_OUTBOUND_PORTS: '5432',
  WEFT_EXCLUDE_OUTBOUND_CIDRS: '10.9.8.7/8,192.0.2.1,2001:db8::1/33,::ffff:10.0.0.0/120',
});

describe('the ruleset', () => {
  it('redirects both protocols in one table', () => {
    expect(ruleset(readInitEnvironment({}), 'inet')).toBe(`table inet weft
delete table inet weft
table inet weft {
  chain from_proxy {
    oif lo ip daddr != 127.0.0.0/8 ip saddr != 127.0.0.6 meta l4proto tcp redirect to :15006
    oif lo ip6 daddr != ::1 ip6 saddr != ::6 meta l4proto tcp redirect to :15006
  }
  chain output {
    type nat hook output priority -100; policy accept;
    meta skuid 1337 meta skgid 1337 goto from_proxy
    ip daddr 127.0.0.0/8 return
    ip6 daddr ::1 return
    meta l4proto tcp redirect to :15001
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iif lo return
    tcp dport { 15020, 15021 } return
    meta l4proto tcp redirect to :15006
  }
}
`);
  });

  it('leaves out what is excluded, before it redirects', () => {
    const rules = ruleset(excluded, 'inet')
      .split('\n')
      .map((line) => line.trim());
    const at = (rule: string) => rules.indexOf(rule);
    for (const rule of [
      'tcp dport { 5432 } return',
      'ip daddr 10.0.0.0/8 return',
      'ip daddr 192.0.2.1/32 return',
      'ip daddr 10.0.0.0/24 return',
      'ip6 daddr 2001:db8:0:0:0:0:0:0/33 return',
    ]) {
      expect([rule, at(rule) > -1 && at(rule) < at('meta l4proto tcp redirect to :15001')]).toEqual([
        rule,
        true,
      ]);
    }
    expect(at('tcp dport { 22, 9000, 15020, 15021 } return')).toBeGreaterThan(0);
  });

  it('of one protocol names nothing of the other', () => {
    expect(ruleset(excluded, 'ip')).not.toMatch(/ip6|::/);
    expect(ruleset(excluded, 'ip6')).not.toMatch(/ip daddr|ip saddr|127\.0/);
  });
});

describe('the environment', () => {
  it.each([
    ['WEFT_OUTBOUND_PORT', '0'],
    ['WEFT_EXCLUDE_INBOUND_PORTS', '80,http'],
    ['WEFT_EXCLUDE_OUTBOUND_PORTS', '65536'],
    ['WEFT_EXCLUDE_OUTBOUND_CIDRS', '10.0.0.0/33'],
    ['WEFT_EXCLUDE_OUTBOUND_CIDRS', '10.0.0.0/8; add rule'],
  ])('refuses %s=%s', (name, value) => {
    expect(() => readInitEnvironment({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_INVALID', field: name }),
    );
  });
});

describe('kernels', () => {
  const kernel = (knows: RegExp) => {
    const tried: string[] = [];
    const apply: Apply = async (rules) => {
      tried.push(rules);
      const families = [...rules.matchAll(/^delete table (\w+)/gm)].map(([, family]) => family!);
      return families.every((family) => knows.test(family)) ? undefined : 'Operation not supported';
    };
    return { apply, tried };
  };
  const environment = readInitEnvironment({});

  it('get one table, or two, or IPv4 alone where there is nothing else to protect', async () => {
    const via = async (knows: RegExp, needsIpv6: boolean) =>
      (await redirect({ environment, needsIpv6, apply: kernel(knows).apply })).families;
    expect(await via(/^inet$/, true)).toEqual(['inet']);
    expect(await via(/^ip6?$/, true)).toEqual(['ip', 'ip6']);
    expect(await via(/^ip$/, false)).toEqual(['ip']);
  });

  it('without IPv6 NAT are refused where the pod has IPv6: there would be a way around the mesh', async () => {
    const { apply, tried } = kernel(/^ip$/);
    await expect(redirect({ environment, needsIpv6: true, apply })).rejects.toThrow(
      expect.objectContaining({ code: 'REDIRECTION_FAILED' }),
    );
    expect(tried).toHaveLength(2);
  });
});

describe('the state of IPv6', () => {
  const lo = '00000000000000000000000000000001 01 80 10 80       lo\n';
  it.each([
    [undefined, { present: false, reachable: false, hasSource: false }],
    [lo, { present: true, reachable: false, hasSource: false }],
    [`${lo}fe800000000000000000000000000001 02 40 20 80     eth0\n`, { reachable: false }],
    [`${lo}fd000000000000000000000000000007 02 40 00 80     eth0\n`, { reachable: true }],
    [`${lo}00000000000000000000000000000006 01 80 80 80       lo\n`, { hasSource: true }],
  ])('is read: %j', (table, expected) => {
    expect(parseIpv6State(table)).toMatchObject(expected);
  });
});
