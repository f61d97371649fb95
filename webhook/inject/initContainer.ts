/** `weft-init`: sets up the redirection in the pod's network, then ends. Runs before every container of the user. */
import { container, port } from '../../core/model/names.ts';
import type { PodSettings } from './annotations.ts';
import type { Resources } from './resources.ts';
import type { Container, EnvVar, InjectContext } from './types.ts';
import { mounts } from './volumes.ts';

/** Exclusions are variables only where there are any. */
function exclusions(settings: PodSettings): EnvVar[] {
  const lists = {
    WEFT_EXCLUDE_INBOUND_PORTS: settings.excludeInboundPorts,
    WEFT_EXCLUDE_OUTBOUND_PORTS: settings.excludeOutboundPorts,
    WEFT_EXCLUDE_OUTBOUND_CIDRS: settings.excludeOutboundCidrs,
  };
  return Object.entries(lists)
    .filter(([, items]) => items?.length)
    .map(([name, items]) => ({ name, value: items!.join(',') }));
}

/**
 * Root with NET_ADMIN alone: what nft needs, and nothing that reaches beyond the pod's own network. The resources
 * are the proxy's: quotas may ask for some, and they add nothing, since this ends before the others start.
 */
export function initContainer(
  image: InjectContext['image'],
  settings: PodSettings,
  resources: Resources,
): Container {
  return {
    name: container.init,
    image: image.name,
    ...(image.pullPolicy ? { imagePullPolicy: image.pullPolicy } : {}),
    command: ['node', '/app/init.mjs'],
    env: [
      { name: 'WEFT_OUTBOUND_PORT', value: String(port.outbound) },
      { name: 'WEFT_INBOUND_PORT', value: String(port.inbound) },
      ...exclusions(settings),
    ],
    resources,
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: [mounts.noApiToken],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}
