/**
 * The Secret of one identity, and what the operator knows of it. It may not read Secrets of workload namespaces; the
 * metadata that answers a patch says when the certificate ends, for whom and by whom it is, and who else wrote to it.
 */
import type { CertificateFacts, InPlace, IssuedLeaf } from '../../certs/issue/index.ts';
import { annotation, FIELD_MANAGER, identitySecretName, label } from '../../core/model/names.ts';
import type { OwnerReference, PartialObject, Secret } from '../../kube/index.ts';
import { keyId, type AuthorityState } from './authoritySecret.ts';

export interface DesiredIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of the ServiceAccount: a re-created one gets a new Secret. */
  readonly uid: string;
}

/** `namespace/serviceAccount`. */
export const identityKey = ({ namespace, serviceAccount }: Omit<DesiredIdentity, 'uid'>): string =>
  `${namespace}/${serviceAccount}`;

/** Where the Secret of an identity is, by identityKey. */
export function identityRef(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: identitySecretName(key.slice(slash + 1)) };
}

const MANAGED = 'weft';
const FILES = ['tls.crt', 'tls.key', 'ca.crt'] as const;

export const isManaged = (secret: PartialObject | undefined): secret is PartialObject =>
  secret?.metadata.labels?.[label.managedBy] === MANAGED;

export interface Issued {
  readonly spiffeId: string;
  readonly leaf: IssuedLeaf;
  /** What it was issued from. */
  readonly state: AuthorityState;
}

/** The whole Secret, to be applied. */
export const identityObject = (identity: DesiredIdentity, { spiffeId, leaf, state }: Issued) =>
  ({
    metadata: {
      ...identityRef(identityKey(identity)),
      labels: { [label.managedBy]: MANAGED },
      annotations: {
        [annotation.identity]: spiffeId,
        [annotation.notAfter]: leaf.notAfter.toISOString(),
        [annotation.renewAt]: leaf.renewAt.toISOString(),
        [annotation.issuer]: `${state.rootId}/${keyId(state.intermediate.certificate)}`,
        [annotation.trustBundle]: state.bundleId,
      },
      ownerReferences: [ownerOf(identity)],
    },
    type: 'kubernetes.io/tls',
    data: encoded({ 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem, 'ca.crt': state.bundle }),
  }) satisfies Partial<Secret>;

/** Changes the trust bundle alone. */
export const bundlePatch = ({ bundle, bundleId }: AuthorityState): object => ({
  metadata: { annotations: { [annotation.trustBundle]: bundleId } },
  data: encoded({ 'ca.crt': bundle }),
});

/** Without blockOwnerDeletion, which would need a permission on the ServiceAccount. */
const ownerOf = ({ serviceAccount, uid }: DesiredIdentity): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  name: serviceAccount,
  uid,
});

/** `data` of a Secret. */
export const encoded = (texts: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));

/** Reads what identityObject wrote; Unparsable where the Secret is not, or no longer, what we wrote. */
export function inPlaceOf(secret: PartialObject | undefined, ownerUid: string): InPlace {
  if (!secret) return { state: 'Missing' };
  const { annotations = {}, ownerReferences = [] } = secret.metadata;
  const notAfter = timeOf(annotations[annotation.notAfter]);
  const renewAt = timeOf(annotations[annotation.renewAt]);
  if (!notAfter || !renewAt)
    return { state: 'Unparsable', message: 'its annotations do not say when it ends' };
  if (!ownerReferences.some(({ uid }) => uid === ownerUid))
    return { state: 'Unparsable', message: 'it belongs to a ServiceAccount that is gone' };
  const changed = changeOf(secret);
  if (changed) return { state: 'Unparsable', message: changed };
  const facts: CertificateFacts = {
    names: [annotations[annotation.identity] ?? ''],
    root: annotations[annotation.issuer]?.split('/')[0] ?? '',
    bundle: annotations[annotation.trustBundle] ?? '',
    notAfter,
    renewAt,
  };
  return { state: 'Present', facts };
}

function timeOf(text: string | undefined): Date | undefined {
  const time = new Date(text ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Who else wrote to the data, or that a part of it is gone; the values themselves nobody shows us. */
function changeOf({ metadata }: PartialObject): string | undefined {
  const ours = new Set<string>();
  for (const { manager = '', fieldsV1 } of metadata.managedFields ?? []) {
    const data = (fieldsV1 as { 'f:data'?: Record<string, unknown> } | undefined)?.['f:data'];
    const files = FILES.filter((file) => data !== undefined && `f:${file}` in data);
    if (manager !== FIELD_MANAGER && files.length > 0) return `${files.join(', ')} was changed by ${manager}`;
    for (const file of files) ours.add(file);
  }
  const gone = FILES.filter((file) => !ours.has(file));
  return gone.length > 0 ? `${gone.join(', ')} was removed` : undefined;
}

/** A new leader looks at so many Secrets at once, and at the others one by one: all proxies come to it at the same time. */
const FIRST_LOOKS = 50;
const LOOK_MS = 10;

/** Keys, and after how many ms to look at each for the first time. */
export function* spread(keys: Iterable<string>): Generator<[string, number], void> {
  let index = 0;
  for (const key of keys) yield [key, Math.max(0, (index += 1) - FIRST_LOOKS) * LOOK_MS];
}
