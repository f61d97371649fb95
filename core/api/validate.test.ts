import { describe, expect, it } from 'vitest';
import { durationMs, parseMeshConfigSpec, parseMeshPolicySpec } from './index.ts';

function problems(spec: unknown): string[] {
  const result = parseMeshPolicySpec(spec);
  return result.ok ? [] : result.error.map(({ code, field }) => `${code} ${field}`);
}

describe('MeshPolicy schema', () => {
  it('fills in defaults and leaves the input alone', () => {
    const spec = { authorization: { rules: [{ to: [{ methods: ['GET'] }] }] } };
    const result = parseMeshPolicySpec(spec);
    expect(result).toEqual({
      ok: true,
      value: { mode: 'Enforce', authorization: { rules: [{ action: 'Allow', to: [{ methods: ['GET'] }] }] } },
    });
    expect(spec).toEqual({ authorization: { rules: [{ to: [{ methods: ['GET'] }] }] } });
  });

  it.each([
    [{ authorisation: {} }, 'UNKNOWN_FIELD spec.authorisation'],
    [
      { authorization: { rules: [{ to: [{ method: ['GET'] }] }] } },
      'UNKNOWN_FIELD spec.authorization.rules[0].to[0].method',
    ],
    [{ selector: { matchLabel: { app: 'x' } } }, 'UNKNOWN_FIELD spec.selector.matchLabel'],
    [{ mtls: { mode: 'strict' } }, 'INVALID_FIELD spec.mtls.mode'],
    [{ mtls: { ports: { '9000': 'Maybe' } } }, 'INVALID_FIELD spec.mtls.ports.9000'],
    [{ mtls: { ports: { http: 'Strict' } } }, 'UNKNOWN_FIELD spec.mtls.ports.http'],
    [{ mtls: { ports: { '70000': 'Strict' } } }, 'UNKNOWN_FIELD spec.mtls.ports.70000'],
    [{ mtls: {} }, 'INVALID_FIELD spec.mtls'],
    [{ authorization: { rules: [{ from: [] }] } }, 'INVALID_FIELD spec.authorization.rules[0].from'],
    [{ authorization: { rules: [{ from: [{}] }] } }, 'INVALID_FIELD spec.authorization.rules[0].from[0]'],
    [
      { authorization: { rules: [{ action: 'Permit' }] } },
      'INVALID_FIELD spec.authorization.rules[0].action',
    ],
    [
      { authorization: { rules: [{ to: [{ ports: [0] }] }] } },
      'INVALID_FIELD spec.authorization.rules[0].to[0].ports.0',
    ],
    [
      { authorization: { rules: [{ to: [{ methods: ['get it'] }] }] } },
      'INVALID_FIELD spec.authorization.rules[0].to[0].methods[0]',
    ],
  ])('refuses %j and names the field', (spec, expected) => {
    expect(problems(spec)).toContain(expected);
  });

  it('names all wrong fields at once', () => {
    expect(problems({ mtls: { mode: 'x' }, mode: 'y', zzz: 1 })).toHaveLength(3);
  });

  it('refuses what is not an object', () => {
    expect(problems('Strict')).toEqual(['INVALID_FIELD spec']);
    expect(problems([])).toEqual(['INVALID_FIELD spec']);
  });
});

describe('MeshConfig schema', () => {
  it('is complete with defaults where nothing is said', () => {
    const result = parseMeshConfigSpec(undefined);
    expect(result.ok && result.value).toMatchObject({
      trustDomain: 'cluster.local',
      identity: { leafLifetime: '24h' },
      proxy: { drain: '25s', logLevel: 'Info' },
      telemetry: { accessLog: 'All' },
      outbound: { default: 'AllowAny' },
      visibility: { default: 'Mesh' },
    });
  });

  it('names an outbound default that there is not', () => {
    const result = parseMeshConfigSpec({ outbound: { default: 'REGISTRY_ONLY' } });
    expect(!result.ok && result.error[0]?.field).toBe('spec.outbound.default');
    expect(parseMeshConfigSpec({ outbound: { default: 'RegistryOnly' } }).ok).toBe(true);
  });

  it('names a visibility that there is not', () => {
    const result = parseMeshConfigSpec({ visibility: { default: 'Cluster' } });
    expect(!result.ok && result.error[0]?.field).toBe('spec.visibility.default');
    expect(parseMeshConfigSpec({ visibility: { default: 'Namespace' } }).ok).toBe(true);
  });

  it('names a wrong duration', () => {
    const result = parseMeshConfigSpec({ identity: { leafLifetime: '2 minutes' } });
    expect(!result.ok && result.error[0]?.field).toBe('spec.identity.leafLifetime');
  });
});

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['2s', 2_000],
    ['2m', 120_000],
    ['1h30m', 5_400_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each(['', '1', '1d', '-1s', '1.5h', '1 s'])('refuses %j', (text) => {
    expect(() => durationMs(text)).toThrow(RangeError);
  });
});
