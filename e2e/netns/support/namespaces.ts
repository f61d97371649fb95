/** Network namespaces that stand for pods, joined by a bridge. Root only; everything is gone after `remove`. */
import { run, tryRun } from '../../support/run.ts';

export interface PodNamespace {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** Command and arguments that run something inside, as the given user. */
  exec(command: readonly string[], user?: { uid: number; gid: number }): [string, string[]];
}

export interface Network {
  /** The n-th pod gets 10.231.0.n and fd00:231::n, from 2. */
  addPod(): Promise<PodNamespace>;
  remove(): Promise<void>;
}

const ip = (...args: string[]) => run('ip', args);

export async function createNetwork(): Promise<Network> {
  const id = `weft${process.pid.toString(36)}`;
  const hub = `${id}-hub`;
  const names = [hub];
  await ip('netns', 'add', hub);
  await ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge');
  await ip('-n', hub, 'link', 'set', 'bridge', 'up');
  let count = 1;
  return {
    async addPod() {
      count += 1;
      const name = `${id}-pod${count}`;
      names.push(name);
      const [ipv4, ipv6] = [`10.231.0.${count}`, `fd00:231::${count}`];
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
      await ip(
        'link',
        'add',
        'eth0',
        'netns',
        name,
        'type',
        'veth',
        'peer',
        'name',
        `pod${count}`,
        'netns',
        hub,
      );
      await ip('-n', hub, 'link', 'set', `pod${count}`, 'master', 'bridge', 'up');
      await ip('-n', name, 'addr', 'add', `${ipv4}/24`, 'dev', 'eth0');
      // without waiting for duplicates of an address that nobody else can have
      await ip('-n', name, '-6', 'addr', 'add', `${ipv6}/64`, 'dev', 'eth0', 'nodad');
      await ip('-n', name, 'link', 'set', 'eth0', 'up');
      await ip('-n', name, 'route', 'add', 'default', 'dev', 'eth0');
      await ip('-n', name, '-6', 'route', 'add', 'default', 'dev', 'eth0');
      return {
        name,
        ipv4,
        ipv6,
        exec(command, user = { uid: 0, gid: 0 }) {
          const as = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
          return ['ip', ['netns', 'exec', name, ...as, ...command]];
        },
      };
    },
    async remove() {
      for (const name of names) await tryRun('ip', ['netns', 'del', name]);
    },
  };
}
