/** Signals to a pod's proxy from the node: inside its own process namespace the first process cannot be stopped. */
import { nodeCommand } from './environment.ts';
import { get, type Pod } from './kubectl.ts';
import { run } from './run.ts';

/** Sends a signal to every process of the container of a pod's proxy. */
export async function signalProxy(namespace: string, name: string, signal: 'STOP' | 'CONT'): Promise<void> {
  const { status } = await get<Pod>(['pod', name, '-n', namespace]);
  const proxy = status.initContainerStatuses?.find((container) => container.name === 'weft-proxy');
  const id = proxy?.containerID?.replace(/^.*:\/\//, '');
  if (!id) throw new Error(`no container of the proxy of ${namespace}/${name}`);
  // the container's id is part of the name of its cgroup, whichever runtime and driver
  const script = `for at in /proc/[0-9]*; do if grep -q ${id} $at/cgroup 2>/dev/null; then kill -${signal} \${at#/proc/} && echo \${at#/proc/}; fi; done`;
  const [command = '', ...before] = nodeCommand({ inside: true });
  const hit = await run(command, [...before, 'sh', '-c', script]);
  if (hit.trim() === '') throw new Error(`no process of the proxy of ${namespace}/${name} on the node`);
}
