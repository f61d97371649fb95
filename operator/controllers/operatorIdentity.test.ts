import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServingAuthority } from '../../certs/issue/index.ts';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import { readIdentity } from '../../certs/verify/index.ts';
import { until } from '../../kube/testing/until.ts';
import { GivenAuthority, startStage, type Stage } from '../testing/certificates.ts';
import { stateOf, type AuthorityState } from './authoritySecret.ts';
import { sourceOf } from './certificateContext.ts';
import { OperatorIdentity, type OwnIdentity } from './operatorIdentity.ts';

let stage: Stage;
let authority: GivenAuthority;
let own: OperatorIdentity;
let announced: OwnIdentity[];
beforeEach(async () => {
  stage = await startStage();
  authority = new GivenAuthority();
  announced = [];
  own = new OperatorIdentity({
    ...stage,
    authority,
    trustDomain: 'cluster.local',
    namespace: 'weft-system',
    leafLifetimeMs: () => 120_000,
  });
  own.subscribe((identity) => announced.push(identity));
  own.start();
});
afterEach(async () => {
  own.stop();
  await stage.close();
});

async function stateFor(mesh: TestMesh): Promise<AuthorityState> {
  const signer = await createServingAuthority(sourceOf(stage), ['weft-webhook.weft-system.svc']);
  const serving = { signer, certificates: [signer.certificate], bundle: '' };
  const { root, intermediate } = mesh;
  return stateOf({ roots: [root.certificate], intermediate, serving }, new Date(stage.clock.now()))!;
}

const meshNow = (): Promise<TestMesh> => createTestMesh({ now: new Date(stage.clock.now()) });

function spiffeIdOf({ cert, key, ca }: OwnIdentity): string {
  const files = { 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca };
  const result = readIdentity(files, { now: new Date(stage.clock.now()) });
  return result.ok ? result.value.spiffeId : result.error.message;
}

describe("the operator's own identity", () => {
  it('comes with the first authority, and is renewed at half of its life', async () => {
    expect(own.current).toBeUndefined();
    authority.set(await stateFor(await meshNow()));
    for (let round = 1; round <= 3; round++) {
      await stage.passing(`identity ${round}`, () => announced.length >= round);
      expect(spiffeIdOf(own.current!)).toBe('spiffe://cluster.local/ns/weft-system/sa/weft-operator');
    }
    expect(new Set(announced.map(({ cert }) => cert)).size).toBe(announced.length);
  });

  it('follows a new bundle at once', async () => {
    authority.set(await stateFor(await meshNow()));
    await until('the first', () => announced.length === 1);
    const next = await meshNow();
    authority.set(await stateFor(next));
    await until('the second', () => announced.length === 2);
    expect(own.current!.ca).toBe(next.bundle);
    expect(spiffeIdOf(own.current!)).toMatch(/^spiffe:/);
  });

  it('stays the last good one when the intermediate has ended', async () => {
    const mesh = await createTestMesh({
      now: new Date(stage.clock.now()),
      intermediateLifetimeMs: 60_000,
    });
    authority.set(await stateFor(mesh));
    await until('the first', () => announced.length === 1);
    await stage.passing('an error', () => stage.logged().includes('the intermediate has ended'));
    expect(own.current).toBe(announced.at(-1));
    const { length } = announced;
    authority.set(await stateFor(await meshNow()));
    await until('a good one', () => announced.length > length);
    expect(spiffeIdOf(own.current!)).toMatch(/^spiffe:/);
  });

  it('ends with stop', async () => {
    const state = await stateFor(await meshNow());
    authority.set(state);
    own.stop();
    authority.set(state);
    stage.clock.advance(10 * 60_000);
    await stateFor(await meshNow());
    expect(announced).toEqual([]);
  });
});
