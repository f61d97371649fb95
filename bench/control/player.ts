/** Plays many proxies in one process: the proxy's own stream client and store, without a data plane. */
import { spiffeId } from '../../core/model/index.ts';
import { OPERATOR_SERVICE_ACCOUNT, SYSTEM_NAMESPACE } from '../../core/model/names.ts';
import { ConfigCore, type CoreOptions } from '../../proxy/config/core.ts';
import { loadIdentity, type LoadedIdentity } from '../../proxy/config/identity.ts';
import { LiveValue } from '../../proxy/config/live.ts';
import { reportOf } from '../../proxy/config/report.ts';
import { StreamClient } from '../../proxy/config/streamClient.ts';
import type { Live, Log } from '../../proxy/context.ts';
import { wallClock, type Counts, type FromProxies, type ProxyPlace, type ToProxies } from './messages.ts';
import { sharing } from './shared.ts';
import { Tracker } from './tracker.ts';

type Start = Extract<ToProxies, { type: 'start' }>;

const TRUST_DOMAIN = 'cluster.local';
const LOOK_MS = 100;
const TELL_MS = 1000;

const nothing = (): void => {};
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function tell(message: FromProxies): void {
  process.send?.(message);
}

const labelsText = (labels: ProxyPlace['labels']): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
    .join('');

interface Shared {
  control: Start['control'];
  identity: Live<LoadedIdentity>;
  share: NonNullable<CoreOptions['share']>;
}

class Played {
  readonly core: ConfigCore;
  readonly stream: StreamClient;
  readonly #place: ProxyPlace;

  constructor(place: ProxyPlace, { control, identity, share }: Shared) {
    this.#place = place;
    this.core = new ConfigCore({ log, share });
    const { core } = this;
    core.files({ config: undefined, directory: undefined, labels: labelsText(place.labels) });
    // no files are what it begins with, not something to report
    core.refusals.accept('config');
    const { namespace, name, uid, workload } = place;
    const who = { pod: { namespace, name, uid }, workload: { kind: 'deployment', name: workload } };
    const held = {
      config: core.config,
      identity,
      get since() {
        return core.since;
      },
      get refusals() {
        return core.refusals.all;
      },
    };
    this.stream = new StreamClient({
      address: control,
      identity,
      operatorId: spiffeId(TRUST_DOMAIN, SYSTEM_NAMESPACE, OPERATOR_SERVICE_ACCOUNT),
      core,
      report: () => reportOf(who, held),
      log,
    });
  }

  call(): void {
    const services = this.core.config.current?.services;
    for (const service of this.#place.calls)
      if (!services?.has(service)) void this.stream.demand.want(service);
  }

  /** Whether requests are sent to the endpoint; undefined where the service is not held. */
  isReady(service: string, address: string): boolean | undefined {
    const held = this.core.config.current?.services.get(service);
    return held?.ports.some(({ endpoints }) =>
      endpoints.some((endpoint) => endpoint.address === address && endpoint.state === 'Ready'),
    );
  }
}

let proxies: Played[] = [];
const tracker = new Tracker(
  (proxy, service, address) => proxies[proxy]!.isReady(service, address),
  (observation) => tell({ type: 'observed', ...observation }),
);

function start({ control, proxies: places, identities }: Start): void {
  const loaded = new Map<string, Live<LoadedIdentity>>();
  for (const [account, files] of Object.entries(identities)) {
    const [namespace = '', name = ''] = account.split('/');
    const live = new LiveValue<LoadedIdentity>();
    live.set(loadIdentity(files, { spiffeId: spiffeId(TRUST_DOMAIN, namespace, name), now: new Date() }));
    loaded.set(account, live);
  }
  const share = sharing();
  proxies = places.map((place) => {
    const identity = loaded.get(`${place.namespace}/${place.workload}`)!;
    return new Played(place, { control, identity, share });
  });
  for (const [index, { core }] of proxies.entries())
    core.config.subscribe(() => tracker.swapped(index, wallClock()));
}

let used = 0;

/** `all`: also what is dear to count; else it is as it was. */
function count(all: boolean): Counts {
  let [connected, inForce, refused] = [0, 0, 0];
  for (const { core, stream } of proxies) {
    const { connected: open, updates } = stream.state;
    connected += Number(open);
    inForce += Number(core.config.current !== undefined);
    refused += updates.refused;
  }
  if (all) used = proxies.reduce((sum, { core }) => sum + core.used().length, 0);
  return { connected, inForce, used, refused };
}

let told = '';
let toldAt = 0;
let dueAt = performance.now() + LOOK_MS;
let lagMs = 0;
setInterval(() => {
  const now = performance.now();
  lagMs = Math.max(lagMs, now - dueAt);
  dueAt = now + LOOK_MS;
  const due = now - toldAt >= TELL_MS;
  const counts = count(due);
  const text = JSON.stringify(counts);
  if (text === told && !due) return;
  told = text;
  if (due) toldAt = now;
  tell({ type: 'counts', ...counts, lagMs, rssMb: process.memoryUsage.rss() / 1e6 });
  lagMs = 0;
}, LOOK_MS);

process.on('message', (message: ToProxies) => {
  if (message.type === 'start') start(message);
  else if (message.type === 'call') for (const proxy of proxies) proxy.call();
  else if (message.type === 'forget') tracker.forget(message.id);
  else if (message.type === 'expect')
    tell({ type: 'expecting', id: message.id, proxies: tracker.expect(message, proxies.length) });
});
process.once('disconnect', () => process.exit(0));
