/** The parts that all documents of a mesh share. */
import { durationMs, type MeshConfigSpec } from '../api/index.ts';
import type { Hash, PartValues } from '../proxyConfig/index.ts';
import type { CompiledDocument, Part } from './compiled.ts';
import { keep, partOf } from './part.ts';

export type CommonParts = Omit<CompiledDocument['parts'], 'policy'>;

const valuesOf = ({
  trustDomain,
  telemetry,
  proxy,
  outbound,
}: MeshConfigSpec): Omit<PartValues, 'policy'> => ({
  trust: { trustDomain },
  telemetry: { accessLog: telemetry.accessLog },
  settings: {
    logLevel: proxy.logLevel,
    connectTimeoutMs: durationMs(proxy.connectTimeout),
    idleTimeoutMs: durationMs(proxy.idleTimeout),
    drainMs: durationMs(proxy.drain),
    // only where it says something, so that proxies of older versions take the documents of all other meshes
    ...(outbound.default === 'RegistryOnly' ? { outbound: outbound.default } : {}),
  },
});

/** The last value where all of them say the same. */
export function commonParts(config: MeshConfigSpec, hash: Hash, last: CommonParts | undefined): CommonParts {
  const values = valuesOf(config);
  const part = (name: keyof CommonParts): Part => keep(last?.[name], partOf(values[name], hash));
  const next = { trust: part('trust'), telemetry: part('telemetry'), settings: part('settings') };
  const isSame = Object.entries(next).every(([name, value]) => last?.[name as keyof CommonParts] === value);
  return last && isSame ? last : next;
}
