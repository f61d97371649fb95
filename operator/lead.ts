/** What only the replica does that holds the lease. */
import type { Logger } from 'pino';
import { identitiesOf } from '../core/compile/index.ts';
import type { ServiceAccountModel, Snapshot } from '../core/model/index.ts';
import type { LeaderElector } from '../kube/index.ts';
import type { Authority } from './controllers/authority.ts';
import type { CertificateContext } from './controllers/certificateContext.ts';
import { IdentitySecrets, type DesiredIdentity } from './controllers/identitySecrets.ts';
import { ServingCertificate } from './controllers/servingCertificate.ts';
import type { ControlEndpoint } from './control/endpoint.ts';
import type { ReportRegistry } from './control/reports.ts';
import { documentHash } from './hash.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { Mesh } from './mesh.ts';
import { Reconciler } from './reconcile.ts';
import type { Sinks } from './sinks/types.ts';

/** Parts that come and go; metrics and health look at them. */
export interface LeaderParts {
  elector: LeaderElector | undefined;
  endpoint: ControlEndpoint | undefined;
  reconciler: Reconciler | undefined;
}

export interface LeadOptions extends CertificateContext {
  readonly log: Logger;
  readonly mesh: Mesh;
  readonly sinks: Sinks;
  readonly reports: ReportRegistry;
  readonly metrics: OperatorMetrics;
  readonly authority: Authority;
  /** In force. */
  readonly trustDomain: string;
  /** Of the MeshConfig that is made where there is none. */
  readonly createTrustDomain: string;
  readonly leafLifetimeMs: () => number;
  readonly systemNamespace: string;
  readonly dnsNames: readonly string[];
}

const STOP_GRACE_MS = 5_000;

const desiredIdentity = ({ namespace, name, uid }: ServiceAccountModel): DesiredIdentity => ({
  namespace,
  serviceAccount: name,
  uid,
});

/** ServiceAccounts of namespaces in which documents are: where an earlier leader may have left Secrets behind. */
function formerIdentities(snapshot: Snapshot, sinks: Sinks): Omit<DesiredIdentity, 'uid'>[] {
  const namespaces = new Set(Array.from(sinks.documents.existing.keys(), (key) => key.split('/')[0]));
  return [...snapshot.serviceAccounts.values()]
    .filter(({ namespace }) => namespaces.has(namespace))
    .map(({ namespace, name }) => ({ namespace, serviceAccount: name }));
}

/** Leads until the signal aborts; resolves when all that was begun has ended. */
export async function lead(leading: AbortSignal, parts: LeaderParts, options: LeadOptions): Promise<void> {
  const { mesh, sinks, reports, metrics, clock, log, authority, trustDomain } = options;
  log.info({}, 'leads from now on');
  const reconciler = new Reconciler({
    mesh,
    sinks,
    reports,
    hash: documentHash,
    clock,
    log,
    metrics,
    trustDomain: options.createTrustDomain,
    owners: true,
    onStuck: ({ namespace, serviceAccount }) => secrets.lookAgain(namespace, serviceAccount),
  });
  parts.reconciler = reconciler;
  let identities = 0;
  const secrets = new IdentitySecrets({
    ...options,
    authority,
    trustDomain,
    onChanged: (namespace, serviceAccount) => {
      metrics.writes.inc({ kind: 'Identity' });
      identities += 1;
      reconciler.identityWritten({ namespace, serviceAccount }, `${clock.now().toString(36)}-${identities}`);
    },
  });
  const serving = new ServingCertificate({
    ...options,
    namespace: options.systemNamespace,
    dnsNames: options.dnsNames,
  });
  let lifetimeMs = options.leafLifetimeMs();
  let accounts: readonly ServiceAccountModel[] | undefined;
  const unsubscribe = mesh.onSnapshot((snapshot) => {
    const wanted = identitiesOf(snapshot);
    if (wanted !== accounts) secrets.setDesired(wanted.map(desiredIdentity));
    accounts = wanted;
    if (lifetimeMs !== options.leafLifetimeMs()) secrets.recheck();
    lifetimeMs = options.leafLifetimeMs();
  });
  const work = [authority.lead(leading), secrets.lead(leading), serving.lead(leading)];
  if (mesh.snapshot) secrets.sweep(formerIdentities(mesh.snapshot, sinks));
  await Promise.all(work);
  unsubscribe();
  await reconciler.stop(STOP_GRACE_MS);
  parts.reconciler = undefined;
  log.info({}, 'does not lead any more');
}
