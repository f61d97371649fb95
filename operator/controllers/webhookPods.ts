/**
 * Makes kubelet look at the webhook's mounted certificate: left alone it does so about once a minute, and on a first
 * installation the webhook waits for it.
 *
 *   new WebhookPods({client, clock, namespace})
 *     .written()   the certificate was written: the next look tells every pod of the webhook
 *     .look()      tells who is to be told; resolves when to look again in ms, Infinity while all are ready
 */
import { resources, type Pod } from '../../kube/index.ts';
import { kubernetesRefresh } from '../sinks/kubernetesRefresh.ts';
import type { RefreshSink } from '../sinks/types.ts';
import type { CertificateContext } from './certificateContext.ts';

export interface WebhookPodsOptions extends Pick<CertificateContext, 'client' | 'clock'> {
  /** The system namespace. */
  readonly namespace: string;
}

/** What the chart puts on the pods of the webhook. */
const SELECTOR = 'app.kubernetes.io/component=webhook';
/** A pod that is not ready is told again after this, then after twice as long, up to the maximum. */
export const RETRY_MS = 2_000;
export const RETRY_MAX_MS = 20_000;

export class WebhookPods {
  readonly #options: WebhookPodsOptions;
  readonly #sink: RefreshSink;
  /** Pods have not been told yet of what was written. */
  #news = false;
  #delayMs = RETRY_MS;
  /** By the clock that never jumps. */
  #retryAt = -Infinity;

  constructor(options: WebhookPodsOptions) {
    this.#options = options;
    this.#sink = kubernetesRefresh(options.client);
  }

  written(): void {
    this.#news = true;
  }

  async look(): Promise<number> {
    const { client, clock, namespace } = this.#options;
    const { items } = await client.list(resources.pods, { namespace, labelSelector: SELECTOR });
    const pods = items.filter(mounts);
    const waiting = pods.filter((pod) => !isReady(pod));
    const isDue = this.#news || clock.monotonic() >= this.#retryAt;
    if (isDue) await this.#tell(this.#news ? pods : waiting);
    if (waiting.length === 0) this.#delayMs = RETRY_MS;
    if (isDue && waiting.length > 0) {
      if (this.#news) this.#delayMs = RETRY_MS;
      this.#retryAt = clock.monotonic() + this.#delayMs;
      this.#delayMs = Math.min(RETRY_MAX_MS, 2 * this.#delayMs);
    }
    this.#news = false;
    return waiting.length === 0 ? Infinity : Math.max(0, this.#retryAt - clock.monotonic());
  }

  async #tell(pods: readonly Pod[]): Promise<void> {
    // kubelet acts only on a value that the pod did not have
    const value = `tls-${this.#options.clock.now().toString(36)}`;
    const { namespace } = this.#options;
    const told = pods.map(({ metadata: { name, uid = '' } }) =>
      this.#sink.refresh({ namespace, name, uid }, value),
    );
    await Promise.all(told);
  }
}

const mounts = ({ metadata, spec, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  spec?.nodeName !== undefined &&
  (status?.phase === 'Running' || status?.phase === 'Pending');

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
