/** Pods that cannot be injected because of what their author wrote: refused by name rather than half protected. */
import type { Problem } from '../../core/errors/index.ts';
import { annotation, container as own, PROXY_ID } from '../../core/model/names.ts';
import type { Container, KubernetesVersion, Pod, SecurityContext } from './types.ts';

/** Ports that the proxy listens on, and those kept for it. */
const RESERVED = { first: 15000, last: 15021 } as const;

const MINIMUM: KubernetesVersion = { major: 1, minor: 29 };

const ID_FIELDS = ['runAsUser', 'runAsGroup'] as const;

/**
 * Traffic of uid and gid 1337 is not redirected. A supplemental group or fsGroup of 1337 is no way around: the
 * redirection looks at the process's own uid and gid, so these are left alone.
 */
function reservedIds(context: SecurityContext | undefined, at: string): Problem[] {
  return ID_FIELDS.filter((field) => context?.[field] === PROXY_ID).map((field) => ({
    code: 'USER_ID_RESERVED',
    field: `${at}.securityContext.${field}`,
    message: `${PROXY_ID} is the id of the proxy, whose traffic is not redirected; use another`,
  }));
}

function reservedPorts(container: Container, at: string): Problem[] {
  return (container.ports ?? []).flatMap(({ containerPort, protocol }, index): Problem[] =>
    (protocol ?? 'TCP') === 'TCP' && containerPort >= RESERVED.first && containerPort <= RESERVED.last
      ? [
          {
            code: 'PORT_RESERVED',
            field: `${at}.ports[${index}].containerPort`,
            message: `${containerPort} is among the ports of the proxy, ${RESERVED.first} to ${RESERVED.last}`,
          },
        ]
      : [],
  );
}

/** A container of ours by name in a pod that was never injected is somebody else's. */
function takenName(container: Container, at: string): Problem[] {
  return container.name === own.init || container.name === own.proxy
    ? [
        {
          code: 'INVALID_FIELD',
          field: `${at}.name`,
          message: `${container.name} is the name of Weft's own container`,
        },
      ]
    : [];
}

/** Problems that make the pod unfit for a proxy, each with the field's path; empty for nearly every pod. */
export function refusals(pod: Pod): Problem[] {
  const injected = pod.metadata?.annotations?.[annotation.proxy] !== undefined;
  const problems = reservedIds(pod.spec.securityContext, 'spec');
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (pod.spec[list] ?? []).entries()) {
      const at = `spec.${list}[${index}]`;
      const ours = list === 'initContainers' && (container.name === own.init || container.name === own.proxy);
      if (injected && ours) continue;
      problems.push(
        ...takenName(container, at),
        ...reservedIds(container.securityContext, at),
        ...reservedPorts(container, at),
      );
    }
  }
  return problems;
}

/** Native sidecars are on by default since 1.29; before that the application would start without its proxy. */
export function tooOld(version: KubernetesVersion): Problem | undefined {
  const { major, minor } = version;
  if (major > MINIMUM.major || (major === MINIMUM.major && minor >= MINIMUM.minor)) return undefined;
  return {
    code: 'CLUSTER_TOO_OLD',
    field: '',
    message: `this cluster runs Kubernetes ${major}.${minor}; native sidecars need ${MINIMUM.major}.${MINIMUM.minor} or newer`,
  };
}

/** Reads `/version` of the API server, whose minor may be `29+`. `undefined` if it is no version. */
export function parseKubernetesVersion(info: {
  major?: string;
  minor?: string;
}): KubernetesVersion | undefined {
  const major = Number.parseInt(info.major ?? '', 10);
  const minor = Number.parseInt(info.minor ?? '', 10);
  return Number.isNaN(major) || Number.isNaN(minor) ? undefined : { major, minor };
}
