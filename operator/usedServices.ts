/** The services of other namespaces that workloads have called: bounded, and told whether one more may come. */
import type { Availability } from '../core/compile/index.ts';
import { MAX_USED } from '../core/control/index.ts';
import type { Code } from '../core/errors/index.ts';

const NONE: ReadonlySet<string> = new Set();

export type Answers = ReadonlyMap<string, 'Available' | Code>;

export interface Asked {
  /** Of the workload: its own services are in its document anyway. */
  readonly namespace: string;
  readonly services: readonly string[];
  readonly availability: (namespace: string, service: string) => Availability;
}

const refusals = { Unknown: 'SERVICE_UNKNOWN', Hidden: 'SERVICE_HIDDEN' } as const;

export class UsedServices {
  /** By workloadKey. The sets are never changed, only replaced. */
  readonly #sets = new Map<string, ReadonlySet<string>>();

  /** Also those that are not available now: they come back by themselves. */
  of(workload: string): ReadonlySet<string> {
    return this.#sets.get(workload) ?? NONE;
  }

  /** Takes what may be had. The set of the workload is another one afterwards if it changed. */
  ask(workload: string, { namespace, services, availability }: Asked): Answers {
    const before = this.of(workload);
    const used = new Set(before);
    const spare = unknownAmong(before, (service) => availability(namespace, service));
    const answers = new Map<string, 'Available' | Code>();
    for (const service of services) {
      const state = availability(namespace, service);
      if (state !== 'Available') answers.set(service, refusals[state]);
      else if (service.startsWith(`${namespace}/`) || used.has(service)) answers.set(service, 'Available');
      else answers.set(service, add(used, service, spare) ? 'Available' : 'ASK_LIMIT');
    }
    if (services.some((service) => used.has(service) && !before.has(service))) this.#sets.set(workload, used);
    return answers;
  }

  /** Takes what another replica, or this one in an earlier life, has written down. False where it is known already. */
  remember(workload: string, services: readonly string[]): boolean {
    const before = this.of(workload);
    const news = services.filter((service) => !before.has(service)).slice(0, MAX_USED - before.size);
    if (news.length > 0) this.#sets.set(workload, new Set([...before, ...news]));
    return news.length > 0;
  }

  forget(workload: string): boolean {
    return this.#sets.delete(workload);
  }
}

/** Workloads of which another replica may have spoken before they are known here. */
export const MAX_EARLY = 1_000;

/** What a replica that is ahead granted to workloads that are not known here yet. */
export class EarlyUses {
  /** By workloadKey, the newest last. */
  readonly #services = new Map<string, readonly string[]>();

  add(workload: string, services: readonly string[]): void {
    const known = new Set([...this.take(workload), ...services]);
    this.#services.set(workload, [...known].slice(0, MAX_USED));
    const [oldest] = this.#services.keys();
    if (this.#services.size > MAX_EARLY && oldest !== undefined) this.#services.delete(oldest);
  }

  take(workload: string): readonly string[] {
    const services = this.#services.get(workload) ?? [];
    this.#services.delete(workload);
    return services;
  }
}

/** Adds within the bound; what is no service any more makes room. */
function add(used: Set<string>, service: string, spare: Iterator<string>): boolean {
  if (used.size >= MAX_USED) {
    const { value, done } = spare.next();
    if (done) return false;
    used.delete(value);
  }
  used.add(service);
  return true;
}

function* unknownAmong(
  services: ReadonlySet<string>,
  availability: (service: string) => Availability,
): Generator<string, undefined> {
  for (const service of services) if (availability(service) === 'Unknown') yield service;
}
