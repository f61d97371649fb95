import type { EventRecorder, Resource } from '../../kube/index.ts';
import type { EventSink, EventSubject } from './types.ts';

/** Only what an Event needs of a kind; workloads may be of kinds that Weft does not know. */
function resourceOf({ apiVersion, kind, namespace }: EventSubject): Resource {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return { group: group!, version: version!, plural: '', kind, namespaced: namespace !== undefined };
}

export const kubernetesEvents = (recorder: EventRecorder): EventSink => ({
  warn({ subject, reason, message }): void {
    const { name, namespace, uid } = subject;
    recorder.record({
      resource: resourceOf(subject),
      object: { metadata: { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) } },
      type: 'Warning',
      reason,
      action: 'Reconcile',
      note: message,
    });
  },
});
