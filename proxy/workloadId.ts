/** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>` (SPIFFE-ID, section 2). */
export const workloadId = (trustDomain: string, namespace: string, serviceAccount: string): string =>
  `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
