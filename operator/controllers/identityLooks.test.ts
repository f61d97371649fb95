import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServingAuthority } from '../../certs/issue/index.ts';
import { createTestMesh } from '../../certs/testing/pki.ts';
import { until } from '../../kube/testing/until.ts';
import { GivenAuthority, startStage, type Stage } from '../testing/certificates.ts';
import { stateOf } from './authoritySecret.ts';
import { sourceOf } from './certificateContext.ts';
import { IdentitySecrets, type DesiredIdentity } from './identitySecrets.ts';

let stage: Stage;
let identities: IdentitySecrets;
const account = (index: number): string => `sa-${String(index).padStart(3, '0')}`;
const looked = () =>
  new Set(stage.server.requests.filter(({ plural }) => plural === 'secrets').map(({ name }) => name));

beforeEach(async () => {
  stage = await startStage({ namespaces: ['shop'] });
  const mesh = await createTestMesh({ now: new Date(stage.clock.now()) });
  const signer = await createServingAuthority(sourceOf(stage), ['weft-webhook.weft-system.svc']);
  const serving = { signer, certificates: [signer.certificate], bundle: String(signer.certificate) };
  const roots = [mesh.root.certificate];
  identities = new IdentitySecrets({
    ...stage,
    authority: new GivenAuthority(
      stateOf({ roots, intermediate: mesh.intermediate, serving }, new Date(stage.clock.now()))!,
    ),
    trustDomain: 'cluster.local',
    leafLifetimeMs: () => 3_600_000,
    onChanged: () => {},
  });
  const desired: DesiredIdentity[] = Array.from({ length: 80 }, (_, index) => ({
    namespace: 'shop',
    serviceAccount: account(index),
    uid: `uid-${index}`,
  }));
  identities.setDesired(desired);
  stage.leading(identities);
});
afterEach(() => stage.close());

it('a new leader looks at some at once, and at the others one after the other', async () => {
  await until('the first', () => looked().size >= 50);
  expect(looked().size).toBe(50);
  stage.clock.advance(10_000);
  await until('all', () => looked().size === 80);
});

it('what pods wait for is looked at before its turn', async () => {
  await until('the first', () => looked().size >= 50);
  identities.lookAgain('shop', account(79));
  identities.lookAgain('shop', 'nobody');
  await until('the one', () => looked().has(`weft.serviceaccount.${account(79)}`));
  expect([looked().size, looked().has('weft.serviceaccount.nobody')]).toEqual([51, false]);
});
