/** From a pod to its patch: decide, refuse, read annotations, patch. Pure: the webhook and `weft inject` share it. */
import { annotation, container as own } from '../../core/model/names.ts';
import { resolveWorkload } from '../../core/model/workload.ts';
import { readAnnotations, type PodSettings } from './annotations.ts';
import { decide } from './decide.ts';
import { initContainer } from './initContainer.ts';
import { patchOf } from './patch.ts';
import { probesVariable, readProbesVariable, rewriteProbes } from './probes.ts';
import { drainOf, proxyContainer } from './proxyContainer.ts';
import { refusals, tooOld } from './refuse.ts';
import { resourcesOf } from './resources.ts';
import type { InjectContext, InjectResult, Pod } from './types.ts';
import { volumesOf } from './volumes.ts';

const POD_SECURITY = 'pod-security.kubernetes.io/enforce';

/** Pod Security refuses NET_ADMIN below the privileged level; its own message does not say whose container asks. */
function podSecurityWarnings({ namespace }: InjectContext): string[] {
  const level = namespace.labels[POD_SECURITY];
  if (level === undefined || level === 'privileged') return [];
  return [
    `namespace ${namespace.name} enforces Pod Security level ${level}, which refuses ${own.init}'s NET_ADMIN; the namespace needs privileged`,
  ];
}

interface Plan {
  patch: ReturnType<typeof patchOf>;
  workload: ReturnType<typeof resolveWorkload>;
  warnings: string[];
}

function plan(pod: Pod, context: InjectContext, settings: PodSettings): Plan {
  const serviceAccount = pod.spec.serviceAccountName || pod.spec.serviceAccount || 'default';
  const workload =
    context.workload ??
    resolveWorkload(
      { ...pod.metadata, namespace: context.namespace.name },
      serviceAccount,
      context.lookupOwner,
    );
  const earlier = pod.spec.initContainers?.find(({ name }) => name === own.proxy);
  const { operations, forwarded, warnings } = rewriteProbes(pod, readProbesVariable(earlier));
  const probes = probesVariable(forwarded);
  const resources = resourcesOf(context.mesh, settings);
  const { drainMs, cut } = drainOf(pod, context, settings);
  if (cut && drainMs !== undefined && settings.drainMs !== undefined) {
    warnings.push(
      `annotation ${annotation.drain} is cut to ${drainMs / 1000}s: terminationGracePeriodSeconds leaves no more`,
    );
  }
  const proxy = proxyContainer({ context, settings, workload, resources, probes, drainMs });
  const init = initContainer(context.image, settings, resources);
  const desired = { init, proxy, volumes: volumesOf(workload, serviceAccount), probes };
  return { patch: patchOf(pod, desired, operations), workload, warnings };
}

/**
 * Decides about a pod and says how it must change. Never changes `pod`, never throws for what a user wrote: that is
 * `refused`, each problem with its field. Applying the patch and asking again gives `skipped: AlreadyInjected`.
 */
export function injectPod(pod: Pod, context: InjectContext): InjectResult {
  const decision = decide(pod, context);
  if (!decision.inject) {
    const { reason, message, warnings } = decision;
    return { outcome: 'skipped', reason, message, warnings };
  }
  const old = context.kubernetes && tooOld(context.kubernetes);
  const { settings, problems, warnings } = readAnnotations(pod.metadata?.annotations ?? {});
  const all = [...(old ? [old] : []), ...problems, ...refusals(pod)];
  const said = [...decision.warnings, ...warnings];
  if (all.length > 0) return { outcome: 'refused', problems: all, warnings: said };
  const planned = plan(pod, context, settings);
  if (planned.patch.length === 0) {
    const message = 'the pod has its proxy and all that belongs to it';
    return { outcome: 'skipped', reason: 'AlreadyInjected', message, warnings: said };
  }
  return {
    outcome: 'injected',
    patch: planned.patch,
    workload: planned.workload,
    warnings: [...said, ...planned.warnings, ...podSecurityWarnings(context)],
  };
}
