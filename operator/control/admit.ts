/** Who may report for what: pure, so that the refusals are a table in the tests. */
import type { Report } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import { workloadKey, type PodModel, type Snapshot } from '../../core/model/index.ts';

/** The identity that a certificate proved. */
export interface PeerIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * A proxy may speak only for a pod that exists, under the uid that it has now, in the namespace and with the
 * ServiceAccount that its certificate proves, and for no workload but the pod's. Throws WeftError REPORT_REFUSED.
 */
export function admitReport(report: Report, peer: PeerIdentity, snapshot: Snapshot): PodModel {
  const { namespace, name, uid } = report.pod;
  const refuse = (field: string, message: string) =>
    new WeftError('REPORT_REFUSED', message, { resource: 'report', field });
  if (namespace !== peer.namespace) {
    throw refuse('pod.namespace', `the certificate is for namespace ${peer.namespace}, not ${namespace}`);
  }
  const pod = snapshot.pods.get(`${namespace}/${name}`);
  if (!pod || pod.uid !== uid) throw refuse('pod', `no pod ${namespace}/${name} with uid ${uid} is known`);
  if (pod.serviceAccount !== peer.serviceAccount) {
    throw refuse(
      'pod.name',
      `the certificate is for ServiceAccount ${peer.serviceAccount}, the pod runs as ${pod.serviceAccount}`,
    );
  }
  const named = workloadKey({ namespace, ...report.workload });
  if (named !== workloadKey(pod.workload)) {
    throw refuse('workload', `the pod is of ${workloadKey(pod.workload)}, not of ${named}`);
  }
  return pod;
}

const countsOf = new WeakMap<Snapshot, Map<string, number>>();

/**
 * Sessions that one identity may hold at a time: two for each of its pods, since a proxy may reconnect before its old
 * session is known to be dead, and a few for pods that this replica does not know yet.
 */
export function sessionAllowance(peer: PeerIdentity, snapshot: Snapshot | undefined): number {
  const spare = 4;
  if (!snapshot) return spare;
  let counts = countsOf.get(snapshot);
  if (!counts) {
    counts = new Map();
    for (const { namespace, serviceAccount } of snapshot.pods.values()) {
      const key = `${namespace}/${serviceAccount}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    countsOf.set(snapshot, counts);
  }
  return spare + 2 * (counts.get(`${peer.namespace}/${peer.serviceAccount}`) ?? 0);
}
