/** Whether a pod gets a proxy. Every "no" has a stable reason; where a person would wonder, it is a warning too. */
import { isSystemNamespace, label } from '../../core/model/names.ts';
import type { InjectContext, Pod, SkipReason } from './types.ts';

export const DEFAULT_REVISION = 'default';

/** Set by kubelet on the API's picture of a static pod, which no webhook can change. */
const MIRROR_POD = 'kubernetes.io/config.mirror';

export type Decision =
  | { inject: true; warnings: string[] }
  | { inject: false; reason: SkipReason; message: string; warnings: string[] };

type Labels = Readonly<Record<string, string>>;

/** A "no" that a person who enabled the mesh would not expect: also a warning. */
const surprise = (reason: SkipReason, message: string, warnings: string[]): Decision => ({
  inject: false,
  reason,
  message,
  warnings: [...warnings, `no proxy was injected (${reason}): ${message}`],
});

const quiet = (reason: SkipReason, message: string, warnings: string[] = []): Decision => ({
  inject: false,
  reason,
  message,
  warnings,
});

/** What the labels ask for, before anything else is looked at. */
function asked(namespace: { name: string; labels: Labels }, pod: Labels): Decision {
  const ofPod = pod[label.inject];
  const ofNamespace = namespace.labels[label.injection];
  if (ofPod === 'false') return quiet('PodOptedOut', `the pod is labelled ${label.inject}=false`);
  if (ofPod === 'true') return { inject: true, warnings: [] };
  const warnings =
    ofPod === undefined
      ? []
      : [`label ${label.inject}=${ofPod} is neither "true" nor "false"; the namespace's label decides`];
  if (ofNamespace === 'enabled') return { inject: true, warnings };
  if (ofNamespace === undefined || ofNamespace === 'disabled') {
    const message = `namespace ${namespace.name} is not labelled ${label.injection}=enabled`;
    return quiet('NamespaceNotEnabled', message, warnings);
  }
  return surprise(
    'NamespaceLabelInvalid',
    `namespace ${namespace.name} is labelled ${label.injection}=${ofNamespace}; use "enabled" or "disabled"`,
    warnings,
  );
}

/** What makes a proxy impossible, however much it is asked for. */
function obstacle(pod: Pod): { reason: SkipReason; message: string } | undefined {
  const { spec, metadata } = pod;
  if (spec.hostNetwork === true) {
    return {
      reason: 'HostNetwork',
      message: "the pod uses the node's network, whose traffic must not be redirected",
    };
  }
  if ((spec.os?.name ?? spec.nodeSelector?.['kubernetes.io/os']) === 'windows') {
    return { reason: 'Windows', message: 'the proxy runs on Linux only' };
  }
  if (metadata?.annotations?.[MIRROR_POD] !== undefined) {
    return { reason: 'StaticPod', message: 'a static pod is started from a file on its node' };
  }
  return undefined;
}

/** Decides from labels and the pod's form. System namespaces never take part, whatever their labels say. */
export function decide(pod: Pod, context: Pick<InjectContext, 'namespace' | 'systemNamespace' | 'revision'>) {
  const { namespace } = context;
  const podLabels = pod.metadata?.labels ?? {};
  if (isSystemNamespace(namespace.name, context.systemNamespace)) {
    const message = `namespace ${namespace.name} belongs to the system`;
    return podLabels[label.inject] === 'true'
      ? surprise('SystemNamespace', message, [])
      : quiet('SystemNamespace', message);
  }
  const wanted = asked(namespace, podLabels);
  if (!wanted.inject) return wanted;
  const revision = namespace.labels[label.revision] ?? DEFAULT_REVISION;
  if (revision !== context.revision) {
    return quiet(
      'OtherRevision',
      `namespace ${namespace.name} belongs to revision ${revision}`,
      wanted.warnings,
    );
  }
  const no = obstacle(pod);
  return no ? surprise(no.reason, no.message, wanted.warnings) : wanted;
}
