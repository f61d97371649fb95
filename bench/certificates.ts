/** Certificates of a run: P-256 for everyone, ours as the operator issues them, the peers' self-signed. */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestMesh } from '../certs/testing/pki.ts';
import { NAMESPACE, TRUST_DOMAIN } from './peers/documents.ts';

type Files = Record<string, string>;

export interface Identities {
  client: Files;
  server: Files;
}

/** Writes pair.crt, pair.key, pair.pem and ca.crt for the peers into `dir`; gives our proxies' identities. */
export async function writeCertificates(dir: string): Promise<Identities> {
  const [certificate, key] = [join(dir, 'pair.crt'), join(dir, 'pair.key')];
  const extensions = ['subjectAltName=DNS:bench.weft.dev', 'extendedKeyUsage=serverAuth,clientAuth'];
  execFileSync(
    'openssl',
    [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1',
      '-subj', '/CN=bench', ...extensions.flatMap((extension) => ['-addext', extension]),
      '-keyout', key, '-out', certificate,
    ],
    { stdio: 'pipe' },
  ); // prettier-ignore
  const pem = await readFile(certificate, 'utf8');
  await writeFile(join(dir, 'ca.crt'), pem);
  await writeFile(join(dir, 'pair.pem'), pem + (await readFile(key, 'utf8')));
  const mesh = await createTestMesh({ trustDomain: TRUST_DOMAIN });
  return {
    client: { ...(await mesh.workload(NAMESPACE, 'client')) },
    server: { ...(await mesh.workload(NAMESPACE, 'server')) },
  };
}
