/** The certificate that a proxy proves itself by, and the roots that it trusts. */
import { sinceText, tableText } from '../output.ts';
import type { CertificatesPage, ShownCertificate } from '../cluster/proxy.ts';

const row =
  (kind: string, now: number) =>
  ({ subjectAltName, subject, serial, notBefore, notAfter }: ShownCertificate): string[] => [
    kind,
    (subjectAltName ?? subject).replace(/^URI:/, '').replaceAll('\n', ', '),
    serial,
    notBefore,
    notAfter,
    Date.parse(notAfter) <= now ? 'expired' : sinceText(notAfter, now, true),
  ];

export function certificatesText({ inUse }: CertificatesPage, now: number): string {
  if (!inUse) return 'the proxy has no certificate yet\n';
  const [leaf, ...intermediates] = inUse.chain;
  const rows = [
    ...(leaf ? [row('leaf', now)(leaf)] : []),
    ...intermediates.map(row('intermediate', now)),
    ...inUse.roots.map(row('root', now)),
  ];
  return tableText(['KIND', 'OF', 'SERIAL', 'NOT BEFORE', 'NOT AFTER', 'LEFT'], rows);
}
