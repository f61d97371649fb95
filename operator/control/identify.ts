import type { X509Certificate } from 'node:crypto';
import { spiffeIdOf, workloadOf } from '../../certs/verify/index.ts';
import type { PeerIdentity } from './admit.ts';

/** Identity of a workload's certificate of this trust domain; undefined for any other. Its chain is verified before. */
export function identifyPeer(certificate: X509Certificate, trustDomain: string): PeerIdentity | undefined {
  const id = spiffeIdOf(certificate);
  const workload = id.ok ? workloadOf(id.value) : undefined;
  if (workload?.trustDomain !== trustDomain) return undefined;
  return { namespace: workload.namespace, serviceAccount: workload.serviceAccount };
}
