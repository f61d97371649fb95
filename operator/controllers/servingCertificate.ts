/**
 * The webhook's certificate, and what the API server is told to trust for it.
 *
 *   new ServingCertificate({client, clock, log, randomBytes, authority, namespace, dnsNames})
 *     .lead(signal)   the replica that holds the Lease: brings both in order, until the signal aborts
 *
 *   1. caBundle of every webhook that calls our Service: current authority and its predecessors. Set again when
 *      somebody clears it, as an apply of a manifest does.
 *   2. Secret `weft-webhook-tls`: issued when missing, damaged, for other names, not by an authority of the bundle,
 *      or past half of its life. After 1, so that the API server never meets a certificate that it does not trust.
 *   3. Pods of the webhook are told to look after a write, and again while they are not ready (webhookPods.ts).
 */
import {
  issueServing,
  mustIssue,
  renewalTime,
  type CertificateWanted,
  type InPlace,
} from '../../certs/issue/index.ts';
import {
  alternativeNames,
  extension,
  extensionsOf,
  isIssuedBy,
  readCertificates,
  readPrivateKey,
} from '../../certs/verify/index.ts';
import { label, webhook } from '../../core/model/names.ts';
import {
  apply,
  isInvalid,
  resources,
  WorkQueue,
  type KubeObject,
  type Resource,
  type Secret,
} from '../../kube/index.ts';
import type { AuthoritySource } from './authority.ts';
import { keyId, type ServingAuthority } from './authoritySecret.ts';
import { jittered, sourceOf, until, type CertificateContext } from './certificateContext.ts';
import { encoded } from './identitySecret.ts';
import { WebhookPods } from './webhookPods.ts';

export interface ServingCertificateOptions extends CertificateContext {
  readonly authority: AuthoritySource;
  /** The system namespace. */
  readonly namespace: string;
  /** servingNames(namespace, clusterDomain). */
  readonly dnsNames: readonly string[];
  /** Default 90 days. */
  readonly lifetimeMs?: number;
  /** How often the webhook configurations are looked at; default 20 s. */
  readonly lookMs?: number;
}

/** Names by which the webhook's Service may be called; the API server uses the first. */
export const servingNames = (namespace: string, clusterDomain: string): string[] => [
  `${webhook.service}.${namespace}.svc`,
  `${webhook.service}.${namespace}.svc.${clusterDomain}`,
  `${webhook.service}.${namespace}`,
];

const LIFETIME_MS = 90 * 24 * 60 * 60_000;
const LOOK_MS = 20_000;
const KEY = webhook.secret;

/** A webhook configuration of either kind, as far as it matters here. */
interface Registration extends KubeObject {
  webhooks?: {
    name: string;
    clientConfig: { caBundle?: string; service?: { namespace: string; name: string } };
  }[];
}

export class ServingCertificate {
  readonly #options: ServingCertificateOptions;
  readonly #pods: WebhookPods;

  constructor(options: ServingCertificateOptions) {
    this.#options = options;
    this.#pods = new WebhookPods(options);
  }

  async lead(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock, log, random, authority } = this.#options;
    const queue = new WorkQueue({
      process: () => this.#reconcile(),
      concurrency: 1,
      backoff: { baseMs: 200, maxMs: LOOK_MS },
      clock,
      ...(random ? { random } : {}),
      onError: (_key, error) => log.error({ err: error }, "cannot bring the webhook's certificate in order"),
    });
    const unsubscribe = authority.subscribe(() => queue.add(KEY));
    queue.add(KEY);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    unsubscribe();
    await queue.shutdown();
  }

  async #reconcile(): Promise<{ requeueAfterMs: number } | undefined> {
    const serving = this.#options.authority.current?.serving;
    // The subscription brings us back as soon as there is one.
    if (!serving) return undefined;
    await this.#register(resources.mutatingWebhookConfigurations, webhook.mutating, serving);
    await this.#register(resources.validatingWebhookConfigurations, webhook.validating, serving);
    const renewAt = await this.#certify(serving);
    const podsMs = await this.#pods.look();
    const lookMs = jittered(this.#options.lookMs ?? LOOK_MS, this.#options);
    return { requeueAfterMs: Math.min(lookMs, podsMs, until(renewAt, this.#options, 1_000)) };
  }

  async #register(
    resource: Resource<Registration>,
    name: string,
    { bundle }: ServingAuthority,
  ): Promise<void> {
    const { client, namespace, log } = this.#options;
    // Absent while the webhook is not installed, or is being installed.
    const found = await client.find(resource, { name });
    const wanted = Buffer.from(bundle).toString('base64');
    const patch = (found?.webhooks ?? []).flatMap(({ name: entry, clientConfig }, index) => {
      const { service, caBundle } = clientConfig;
      const ours = service?.namespace === namespace && service.name === webhook.service;
      if (!ours || caBundle === wanted) return [];
      const path = `/webhooks/${index}`;
      return [
        // The entries may have been re-ordered since: then the patch fails as a whole and is made anew.
        { op: 'test', path: `${path}/name`, value: entry },
        { op: 'add', path: `${path}/clientConfig/caBundle`, value: wanted },
      ];
    });
    if (patch.length === 0) return;
    await client.patch(resource, { name }, { type: 'json', body: patch });
    log.info({ configuration: name, webhooks: patch.length / 2 }, 'caBundle was set');
  }

  /** Returns when the certificate in place is to be renewed. */
  async #certify(serving: ServingAuthority): Promise<Date> {
    const { client, namespace, log, dnsNames, lifetimeMs = LIFETIME_MS } = this.#options;
    const ref = { namespace, name: webhook.secret };
    const secret = await client.find(resources.secrets, ref);
    const wanted: CertificateWanted = {
      names: dnsNames,
      roots: serving.certificates.map(keyId),
      bundle: serving.bundle,
      lifetimeMs,
    };
    const now = new Date(this.#options.clock.now());
    const inPlace = servingInPlace(secret, serving);
    const due = mustIssue({ inPlace, wanted, now });
    if (!due && inPlace.state === 'Present') return inPlace.facts.renewAt;
    log.info({ secret: `${namespace}/${webhook.secret}`, reason: due?.reason }, due?.message ?? '');
    const leaf = await issueServing(sourceOf(this.#options), {
      issuer: serving.signer,
      dnsNames,
      lifetimeMs,
    });
    const object = {
      metadata: { ...ref, labels: { [label.managedBy]: 'weft' } },
      type: 'kubernetes.io/tls',
      data: encoded({ 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem, 'ca.crt': serving.bundle }),
    };
    try {
      await apply(client, { resource: resources.secrets, object });
    } catch (error) {
      // A Secret's type cannot be changed: one of another type under our name must go first.
      if (isInvalid(error) && secret)
        await client.delete(resources.secrets, ref, { uid: secret.metadata.uid });
      throw error;
    }
    this.#pods.written();
    return leaf.renewAt;
  }
}

/** What a Secret with a serving certificate holds, as the policies see it. */
export function servingInPlace(secret: Secret | undefined, { certificates }: ServingAuthority): InPlace {
  if (!secret) return { state: 'Missing' };
  try {
    const [leaf] = readCertificates(text(secret, 'tls.crt'), 'tls.crt');
    if (!leaf!.checkPrivateKey(readPrivateKey(text(secret, 'tls.key'), 'tls.key')))
      return { state: 'Unparsable', message: 'tls.key is not the key of tls.crt' };
    const issuer = certificates.find((certificate) => isIssuedBy(leaf!, certificate));
    const names = extensionsOf(leaf!.raw).get(extension.subjectAltName);
    const facts = {
      names: names
        ? alternativeNames(names.value).map(({ value }) => Buffer.from(value).toString('latin1'))
        : [],
      root: issuer ? keyId(issuer) : '',
      bundle: text(secret, 'ca.crt'),
      notAfter: leaf!.validToDate,
      renewAt: renewalTime(leaf!),
      ...(issuer ? { issuerNotAfter: issuer.validToDate } : {}),
    };
    return { state: 'Present', facts };
  } catch (error) {
    // Whatever is wrong with what somebody put there: it is replaced.
    return { state: 'Unparsable', message: (error as Error).message };
  }
}

const text = ({ data = {} }: Secret, key: string): string =>
  Buffer.from(data[key] ?? '', 'base64').toString('utf8');
