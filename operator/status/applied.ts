/** The condition Applied, in words: the same for every kind. */
import type { Verdict } from './conditions.ts';
import { listed } from './conditions.ts';
import { appliedText, lateOf, refusalText, type ProxyState } from './proxies.ts';

export interface AppliedFacts {
  /** Of the resource as it is stored. */
  readonly generation: number;
  /** The stored generation is valid; else an older one stays in force, if there was one. */
  readonly accepted: boolean;
  readonly proxies: readonly ProxyState[];
  /** `namespace/name` of running pods that the resource is about and that have no proxy. */
  readonly unprotected: readonly string[];
  /** How long it took until all had it, as text; absent until they have, and where that was not seen. */
  readonly appliedIn?: string;
}

/**
 * Applied is True when every proxy that counts runs this generation. A pod without a proxy cannot run it and is named;
 * only where there is nothing but such pods is Applied False for that reason.
 */
export function appliedVerdict(facts: AppliedFacts): Verdict {
  const { generation, accepted, proxies, unprotected, appliedIn } = facts;
  const verdict = (status: Verdict['status'], reason: string, message: string): Verdict => ({
    type: 'Applied',
    status,
    reason,
    message: unprotected.length > 0 ? `${message}; without proxy: ${listed(unprotected)}` : message,
  });
  if (!accepted) {
    const message = `generation ${generation} is not accepted; what was in force before stays in force`;
    return verdict('False', 'NotAccepted', message);
  }
  if (proxies.length === 0) {
    return unprotected.length > 0
      ? verdict('False', 'ProxyMissing', 'no selected pod has a proxy')
      : verdict('True', 'NothingSelected', 'no running pod is selected');
  }
  const head = `${appliedText(proxies)} proxies run generation ${generation}`;
  const late = lateOf(proxies);
  const refusing = (late.length > 0 ? late : proxies).filter(({ refused }) => refused);
  const [first] = refusing;
  if (first?.refused) {
    const who = `${listed(refusing.map(({ pod }) => pod))} refused the newest document (${refusalText(first.refused)})`;
    return late.length > 0
      ? verdict('False', 'Refused', `${head}; ${who}`)
      : verdict('True', 'LastGoodInForce', `${head}; ${who} and keeps its last good one`);
  }
  if (late.length > 0) {
    const names = late.map(({ pod, away }) => (away ? `${pod} (${away})` : pod));
    return verdict('False', 'Pending', `${head}; waiting for ${listed(names)}`);
  }
  return verdict('True', 'Applied', appliedIn === undefined ? head : `${head}, after ${appliedIn}`);
}
