/** A small mesh authority for tests of any room: real certificates, with time and keys as the test wants them. */
import { randomBytes, type KeyObject } from 'node:crypto';
import { createIntermediate, createRoot, issueLeaf, type Authority, type Source } from '../issue/index.ts';
import { generateKey } from '../request/index.ts';
import type { IdentityFiles } from '../verify/index.ts';

export interface TestIdentity {
  readonly spiffeId: string;
  readonly lifetimeMs?: number;
  readonly now?: Date;
  readonly issuer?: Authority;
}

export interface TestMesh {
  readonly trustDomain: string;
  readonly root: Authority;
  readonly intermediate: Authority;
  /** PEM of the root. */
  readonly bundle: string;
  /** Files of an identity, as a Secret holds them. */
  issue(identity: TestIdentity): Promise<IdentityFiles>;
  /** As issue, of `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
  workload(namespace: string, serviceAccount: string): Promise<IdentityFiles>;
}

export const testSource = (now = new Date()): Source => ({
  now,
  random: (size) => randomBytes(size),
  generateKey,
});

export interface TestMeshOptions {
  readonly trustDomain?: string;
  readonly now?: Date;
  readonly intermediateLifetimeMs?: number;
}

export async function createTestMesh(options: TestMeshOptions = {}): Promise<TestMesh> {
  const { trustDomain = 'cluster.local', now = new Date(), intermediateLifetimeMs } = options;
  const root = await createRoot(testSource(now), trustDomain);
  const intermediate = await createIntermediate(testSource(now), {
    trustDomain,
    root,
    ...(intermediateLifetimeMs === undefined ? {} : { lifetimeMs: intermediateLifetimeMs }),
  });
  const bundle = String(root.certificate);
  const issue = async (identity: TestIdentity): Promise<IdentityFiles> => {
    const leaf = await issueLeaf(testSource(identity.now ?? now), {
      issuer: identity.issuer ?? intermediate,
      spiffeId: identity.spiffeId,
      lifetimeMs: identity.lifetimeMs ?? 60 * 60 * 1000,
    });
    return { 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem, 'ca.crt': bundle };
  };
  return {
    trustDomain,
    root,
    intermediate,
    bundle,
    issue,
    workload: (namespace, serviceAccount) =>
      issue({ spiffeId: `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}` }),
  };
}

/** Keys that are made once and given again and again: for tests that issue many certificates. */
export function repeatedKeys(): Source['generateKey'] {
  const made = new Map<string, Promise<KeyObject>>();
  return (curve) => {
    const key = made.get(curve) ?? generateKey(curve);
    made.set(curve, key);
    return key;
  };
}
