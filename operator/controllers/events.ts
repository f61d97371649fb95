/** Warning Events where people look for trouble: each said once, until it changes. */
import type { Report } from '../../core/control/index.ts';
import type { PodModel } from '../../core/model/index.ts';
import { API_VERSION } from '../../core/api/index.ts';
import type { EventSink, EventSubject, Notice } from '../sinks/types.ts';
import { refusalText } from '../status/proxies.ts';
import type { DocumentIncident } from './documents.ts';
import type { SnapshotView } from './view.ts';
import type { DesiredDocument } from './wantedFiles.ts';

/** Things said are remembered up to this number; the oldest is forgotten first and may be said again. */
const MAX_SAID = 20_000;

export interface EventsOptions {
  readonly sink: EventSink;
  /** One call for each event. */
  readonly onEvent: (notice: Notice) => void;
}

const podSubject = ({
  namespace,
  name,
  uid,
}: Pick<PodModel, 'namespace' | 'name' | 'uid'>): EventSubject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace,
  name,
  uid,
});

/** Workloads carry their events; a directory has only its ConfigMap. */
function documentSubject(document: DesiredDocument): EventSubject {
  const { namespace, name, workload } = document;
  if (!workload || workload.uid === '') return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name };
  return {
    apiVersion: workload.apiVersion,
    kind: workload.kindName,
    namespace,
    name: workload.name,
    uid: workload.uid,
  };
}

export class Events {
  readonly #options: EventsOptions;
  /** By subject and reason: what was said last. */
  readonly #said = new Map<string, string>();

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** Pods that changed: without a proxy they are not protected. */
  observe(view: SnapshotView, pods: Iterable<PodModel>): void {
    for (const pod of pods) {
      if (!view.proxyMissing(pod)) continue;
      this.#say({
        subject: podSubject(pod),
        reason: 'ProxyMissing',
        message:
          'runs without a proxy in a namespace of the mesh: nothing is enforced on it and Strict workloads refuse it; ' +
          'restart it, or label it weft.dev/inject=false',
      });
    }
  }

  /** Resources that are not accepted. */
  rejected(view: SnapshotView): void {
    for (const { kind, namespace, name, uid, problems, generation } of view.rejected.values()) {
      const what = problems.map((problem) => `${problem.field}: ${problem.message}`).join('; ');
      this.#say({
        subject: { apiVersion: API_VERSION, kind, name, uid, ...(namespace ? { namespace } : {}) },
        reason: kind === 'MeshPolicy' ? 'PolicyRejected' : 'ConfigRejected',
        message: `generation ${generation} is not in force: ${what}`,
      });
    }
  }

  reported({ pod, refused }: Report): void {
    if (!refused) {
      this.#said.delete(keyOf(podSubject(pod), 'DocumentRefused'));
      return;
    }
    this.#say({
      subject: podSubject(pod),
      reason: 'DocumentRefused',
      message: `its proxy refused a document and keeps the last good one: ${refusalText(refused)}`,
    });
  }

  incident(incident: DocumentIncident): void {
    const { namespace, name } = incident.document;
    const subject = documentSubject(incident.document);
    if (incident.kind === 'tooLarge') {
      this.#say({
        subject,
        reason: 'DocumentTooLarge',
        message:
          `ConfigMap ${namespace}/${name} would have ${incident.bytes} bytes, more than one can hold: proxies get the ` +
          'document by the stream, and start with the last one that was stored. Fewer services or policies in the ' +
          'namespace make it smaller',
      });
    } else {
      this.#say({
        subject,
        reason: 'DocumentChanged',
        message: `somebody changed ConfigMap ${namespace}/${name}; it is written again in ${incident.repairMs / 1000} s`,
      });
      // the next change is another one
      this.#said.delete(keyOf(subject, 'DocumentChanged'));
    }
  }

  #say(notice: Notice): void {
    const key = keyOf(notice.subject, notice.reason);
    if (this.#said.get(key) === notice.message) return;
    this.#said.delete(key);
    this.#said.set(key, notice.message);
    const [oldest] = this.#said.keys();
    if (this.#said.size > MAX_SAID && oldest !== undefined) this.#said.delete(oldest);
    this.#options.onEvent(notice);
    this.#options.sink.warn(notice);
  }
}

const keyOf = ({ kind, namespace = '', name, uid = '' }: EventSubject, reason: string): string =>
  [reason, kind, namespace, name, uid].join('/');
