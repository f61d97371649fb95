import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServingAuthority } from '../../certs/issue/index.ts';
import { createTestMesh } from '../../certs/testing/pki.ts';
import { isIssuedBy, readCertificates } from '../../certs/verify/index.ts';
import { resources, type Secret } from '../../kube/index.ts';
import { until } from '../../kube/testing/until.ts';
import { GivenAuthority, startStage, type Stage } from '../testing/certificates.ts';
import { stateOf, type AuthorityState } from './authoritySecret.ts';
import { sourceOf } from './certificateContext.ts';
import { encoded } from './identitySecret.ts';
import { ServingCertificate, servingNames } from './servingCertificate.ts';

const NAMESPACE = 'weft-system';
const REF = { namespace: NAMESPACE, name: 'weft-webhook-tls' };
const NAMES = servingNames(NAMESPACE, 'cluster.local');
const DAY = 24 * 60 * 60_000;

let stage: Stage;
let authority: GivenAuthority;
beforeEach(async () => {
  stage = await startStage();
  authority = new GivenAuthority(await state());
  const clientConfig = { service: { namespace: NAMESPACE, name: 'weft-webhook', path: '/inject' } };
  const common = { admissionReviewVersions: ['v1'], sideEffects: 'None' };
  stage.server.objects.put(resources.mutatingWebhookConfigurations, {
    metadata: { name: 'weft-injector' },
    webhooks: [
      { ...common, name: 'namespace.injector.weft.dev', clientConfig },
      {
        ...common,
        name: 'elsewhere.example',
        clientConfig: { url: 'https://example.com', caBundle: 'AAAA' },
      },
      { ...common, name: 'pod.injector.weft.dev', clientConfig: { ...clientConfig, caBundle: 'AAAA' } },
    ],
  });
  stage.server.objects.put(resources.validatingWebhookConfigurations, {
    metadata: { name: 'weft-validator' },
    webhooks: [{ ...common, name: 'validator.weft.dev', clientConfig }],
  });
});
afterEach(() => stage.close());

/** An authority whose webhook part is new, and `before` its predecessor. */
async function state(before?: AuthorityState): Promise<AuthorityState> {
  const now = new Date(stage.clock.now());
  const mesh = await createTestMesh({ now });
  const signer = await createServingAuthority(sourceOf(stage), NAMES);
  const certificates = [signer.certificate, ...(before?.serving.certificates ?? [])];
  const serving = { signer, certificates, bundle: '' };
  return stateOf({ roots: [mesh.root.certificate], intermediate: mesh.intermediate, serving }, now)!;
}

const lead = (): (() => Promise<void>) =>
  stage.leading(new ServingCertificate({ ...stage, authority, namespace: NAMESPACE, dnsNames: NAMES }));

const secret = (): Secret | undefined => stage.server.objects.get(resources.secrets, REF);
const file = (name: string): string => Buffer.from(secret()?.data?.[name] ?? '', 'base64').toString();
const serial = (): string => readCertificates(file('tls.crt'), 'tls.crt')[0]!.serialNumber;

function caBundles(): (string | undefined)[] {
  const { mutatingWebhookConfigurations: mutating, validatingWebhookConfigurations: validating } = resources;
  return [
    ...(stage.server.objects.get(mutating, { name: 'weft-injector' })?.webhooks ?? []),
    ...(stage.server.objects.get(validating, { name: 'weft-validator' })?.webhooks ?? []),
  ].map(({ clientConfig: { caBundle } }) =>
    caBundle ? Buffer.from(caBundle, 'base64').toString() : undefined,
  );
}

async function inOrder(): Promise<void> {
  await until('a certificate', () => secret() !== undefined);
}

/** What a client that trusts `ca` for `servername` says of the certificate in place. */
async function judged(ca: string, servername: string): Promise<string> {
  const server = createServer({ cert: file('tls.crt'), key: file('tls.key') }, (socket) => {
    socket.on('error', () => socket.destroy()).end();
  });
  server.on('tlsClientError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, ca, servername });
  const verdict = await new Promise<string>((resolve) => {
    socket.once('secureConnect', () => resolve('trusted'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  socket.destroy();
  server.close();
  return verdict;
}

describe("the webhook's certificate", () => {
  it('is trusted by who takes caBundle, for the names of the Service and no other', async () => {
    lead();
    await inOrder();
    expect(secret()!.type).toBe('kubernetes.io/tls');
    const [ca] = caBundles();
    for (const name of NAMES) expect(await judged(ca!, name)).toBe('trusted');
    expect(await judged(ca!, 'kubernetes.default.svc')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await judged(authority.current!.bundle, NAMES[0]!)).not.toBe('trusted');
    expect(stage.logged()).not.toContain('PRIVATE KEY');
  });

  it('stays the same for the next leader, and is renewed at half of its life', async () => {
    const end = lead();
    await inOrder();
    const before = serial();
    await end();
    lead();
    stage.server.requests.length = 0;
    await stage.passing('it was looked at', () => stage.server.requests.length > 6, 10_000);
    expect(serial()).toBe(before);
    stage.clock.advance(50 * DAY);
    await stage.passing('a new one', () => serial() !== before);
    const [leaf] = readCertificates(file('tls.crt'), 'tls.crt');
    expect(isIssuedBy(leaf!, authority.current!.serving.signer.certificate)).toBe(true);
    expect(leaf!.validToDate.getTime() - stage.clock.now()).toBeGreaterThan(89 * DAY);
  });

  it.each([
    ['rubbish', { 'tls.crt': 'rubbish', 'tls.key': 'rubbish', 'ca.crt': '' }],
    ['nothing', {}],
  ])('takes the place of %s', async (_what, data) => {
    stage.server.objects.put(resources.secrets, {
      metadata: REF,
      type: 'kubernetes.io/tls',
      data: encoded(data),
    });
    lead();
    await until('a certificate', () => file('tls.crt').includes('BEGIN'));
    expect(await judged(caBundles()[0]!, NAMES[0]!)).toBe('trusted');
  });

  it('takes the place of a Secret of another type', async () => {
    stage.server.objects.put(resources.secrets, { metadata: REF, type: 'Opaque' });
    lead();
    await stage.passing('a certificate', () => secret()?.type === 'kubernetes.io/tls');
    expect(await judged(caBundles()[0]!, NAMES[0]!)).toBe('trusted');
  });

  it('goes over to a new authority only when the API server trusts both', async () => {
    lead();
    await inOrder();
    const before = serial();
    authority.set(await state(authority.current));
    await until('both are trusted', () => caBundles()[0]?.match(/BEGIN/g)?.length === 2);
    await until(
      'all have both',
      () => caBundles().filter((ca) => ca?.match(/BEGIN/g)?.length === 2).length === 3,
    );
    expect(serial()).toBe(before);
    expect(await judged(caBundles()[0]!, NAMES[0]!)).toBe('trusted');
    stage.server.objects.delete(resources.secrets, REF);
    await stage.passing('a new one', () => secret() !== undefined);
    expect(await judged(String(authority.current!.serving.signer.certificate), NAMES[0]!)).toBe('trusted');
  });
});

describe('caBundle', () => {
  it('is set before there is a certificate, for all webhooks of ours and no other', async () => {
    lead();
    await inOrder();
    const { bundle } = authority.current!.serving;
    expect(caBundles()).toEqual([bundle, Buffer.from('AAAA', 'base64').toString(), bundle, bundle]);
    const writes = stage.server.requests.filter(({ verb }) => verb === 'patch').map(({ plural }) => plural);
    expect(writes).toEqual(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations', 'secrets']);
  });

  it('is set again when somebody clears it, and not written while it is right', async () => {
    lead();
    await inOrder();
    const ref = { name: 'weft-validator' };
    const found = stage.server.objects.get(resources.validatingWebhookConfigurations, ref)!;
    delete found.webhooks![0]!.clientConfig.caBundle;
    stage.server.objects.put(resources.validatingWebhookConfigurations, found);
    expect(caBundles()[3]).toBeUndefined();
    stage.server.requests.length = 0;
    await stage.passing('it is set again', () => caBundles()[3] === authority.current!.serving.bundle, 5_000);
    await stage.passing('later looks', () => stage.server.requests.length > 12, 5_000);
    expect(stage.server.requests.filter(({ verb }) => verb === 'patch')).toHaveLength(1);
  });

  it('is not needed for the certificate: the webhook may be installed later', async () => {
    stage.server.objects.delete(resources.mutatingWebhookConfigurations, { name: 'weft-injector' });
    const found = stage.server.objects.get(resources.validatingWebhookConfigurations, {
      name: 'weft-validator',
    })!;
    stage.server.objects.delete(resources.validatingWebhookConfigurations, { name: 'weft-validator' });
    lead();
    await inOrder();
    stage.server.objects.put(resources.validatingWebhookConfigurations, found);
    await stage.passing('it is set', () => caBundles()[0] === authority.current!.serving.bundle, 5_000);
    expect(caBundles()).toHaveLength(1);
  });
});
