/** Files of compiled documents, joined from their parts: equal documents at equal positions are equal texts. */
import { DOCUMENT_VERSION } from '../proxyConfig/index.ts';
import type { CompiledDirectory, CompiledDocument, Part } from './compiled.ts';

export interface DocumentPosition {
  readonly epoch: number;
  readonly revision: string;
}

const headOf = ({ epoch, revision }: DocumentPosition, hash: string): string =>
  `"epoch":${epoch},"hash":${JSON.stringify(hash)},"revision":${JSON.stringify(revision)},"version":${JSON.stringify(DOCUMENT_VERSION)}`;

const listOf = (parts: ReadonlyMap<string, Part>): string =>
  `[${Array.from(parts.values(), ({ text }) => text).join(',')}]`;

/** `config.json`. */
export function configText({ hash, parts, services }: CompiledDocument, position: DocumentPosition): string {
  const { policy, settings, telemetry, trust } = parts;
  // the fields of the policy part are fields of the document
  const own = policy.text.slice(1, -1);
  return `{${headOf(position, hash)},${own},"settings":${settings.text},"telemetry":${telemetry.text},"trust":${trust.text},"services":${listOf(services)}}`;
}

/** `directory.json`. */
export function directoryText(
  { hash, services, outside }: CompiledDirectory,
  position: DocumentPosition,
): string {
  const more = outside ? `,"outside":${listOf(outside)}` : '';
  return `{${headOf(position, hash)},"services":${listOf(services)}${more}}`;
}
