import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, tryRun } from '../support/run.ts';
import { runInit, startGreeters, whoAnswers, type Call, type Greeter } from './support/greeters.ts';
import { createNetwork, type Network, type PodNamespace } from './support/namespaces.ts';

const APPLICATION = { uid: 1000, gid: 1000 };
const PROXY = { uid: 1337, gid: 1337 };

let network: Network;
let pod: PodNamespace;
let other: PodNamespace;
let outside: PodNamespace;
const children: ChildProcess[] = [];

const everywhere = (name: string, port: number): Greeter => ({ name, host: '::', port });

beforeAll(async () => {
  network = await createNetwork();
  [pod, other, outside] = [await network.addPod(), await network.addPod(), await network.addPod()];
  const { code, stdout, stderr } = await runInit(pod, {
    WEFT_EXCLUDE_INBOUND_PORTS: '9000',
    WEFT_EXCLUDE_OUTBOUND_PORTS: '5432',
    WEFT_EXCLUDE_OUTBOUND_CIDRS: `${outside.ipv4}/32,${outside.ipv6}`,
  });
  if (code !== 0) throw new Error(`init ended with ${code}: ${stdout}${stderr}`);
  children.push(
    await startGreeters(pod, [
      { name: 'outbound', host: '127.0.0.1', port: 15001 },
      { name: 'outbound', host: '::1', port: 15001 },
      everywhere('inbound', 15006),
      everywhere('metrics', 15020),
      everywhere('health', 15021),
      everywhere('application', 8080),
      everywhere('excluded', 9000),
    ]),
    await startGreeters(other, [everywhere('peer', 80), everywhere('database', 5432)]),
    await startGreeters(outside, [everywhere('outside', 80)]),
  );
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await network.remove();
});

interface Case {
  what: string;
  call: (address: (of: PodNamespace) => string, loopback: { own: string; inbound: string }) => Call;
  answers: string;
}

const cases: Case[] = [
  {
    what: 'the application calls out: to the outbound proxy',
    call: (of) => ({ from: pod, to: of(other), port: 80, user: APPLICATION }),
    answers: 'outbound',
  },
  {
    what: 'root calls out: to the outbound proxy',
    call: (of) => ({ from: pod, to: of(other), port: 80 }),
    answers: 'outbound',
  },
  {
    what: 'the proxy calls out: there',
    call: (of) => ({ from: pod, to: of(other), port: 80, user: PROXY }),
    answers: 'peer',
  },
  {
    what: "a user with the proxy's uid alone: to the outbound proxy",
    call: (of) => ({ from: pod, to: of(other), port: 80, user: { uid: 1337, gid: 1000 } }),
    answers: 'outbound',
  },
  {
    what: "a user with the proxy's gid alone: to the outbound proxy",
    call: (of) => ({ from: pod, to: of(other), port: 80, user: { uid: 1000, gid: 1337 } }),
    answers: 'outbound',
  },
  {
    what: 'an excluded port: there',
    call: (of) => ({ from: pod, to: of(other), port: 5432, user: APPLICATION }),
    answers: 'database',
  },
  {
    what: 'an excluded address: there',
    call: (of) => ({ from: pod, to: of(outside), port: 80, user: APPLICATION }),
    answers: 'outside',
  },
  {
    what: 'loopback: there',
    call: (_of, { own }) => ({ from: pod, to: own, port: 8080, user: APPLICATION }),
    answers: 'application',
  },
  {
    what: "the application calls its own pod's address: to the outbound proxy",
    call: (of) => ({ from: pod, to: of(pod), port: 8080, user: APPLICATION }),
    answers: 'outbound',
  },
  {
    what: 'the outbound proxy calls its own pod: to the inbound proxy',
    call: (of) => ({ from: pod, to: of(pod), port: 8080, user: PROXY }),
    answers: 'inbound',
  },
  {
    what: 'the inbound proxy calls the application: there',
    call: (of, { inbound }) => ({ from: pod, to: of(pod), port: 8080, user: PROXY, source: inbound }),
    answers: 'application',
  },
  {
    what: 'the application with the source of the inbound proxy: to the outbound proxy',
    call: (of, { inbound }) => ({ from: pod, to: of(pod), port: 8080, user: APPLICATION, source: inbound }),
    answers: 'outbound',
  },
  {
    what: 'another pod calls in: to the inbound proxy',
    call: (of) => ({ from: other, to: of(pod), port: 8080 }),
    answers: 'inbound',
  },
  {
    what: 'another pod calls a port that nobody listens on: to the inbound proxy',
    call: (of) => ({ from: other, to: of(pod), port: 4711 }),
    answers: 'inbound',
  },
  {
    what: 'another pod calls an excluded port: there',
    call: (of) => ({ from: other, to: of(pod), port: 9000 }),
    answers: 'excluded',
  },
  { what: 'metrics: there', call: (of) => ({ from: other, to: of(pod), port: 15020 }), answers: 'metrics' },
  { what: 'health: there', call: (of) => ({ from: other, to: of(pod), port: 15021 }), answers: 'health' },
];

describe.each([
  { protocol: 'IPv4', address: (of: PodNamespace) => of.ipv4, own: '127.0.0.1', inbound: '127.0.0.6' },
  { protocol: 'IPv6', address: (of: PodNamespace) => of.ipv6, own: '::1', inbound: '::6' },
])('redirection of $protocol', ({ address, own, inbound }) => {
  it.each(cases)('$what', async ({ call, answers }) => {
    expect(await whoAnswers(call(address, { own, inbound }))).toBe(answers);
  });
});

describe('setting up', () => {
  it('once more gives the same rules', async () => {
    const listed = async () => {
      const [command, args] = other.exec(['nft', 'list', 'ruleset']);
      return run(command, args);
    };
    expect((await runInit(other)).code).toBe(0);
    const first = await listed();
    expect((await runInit(other)).code).toBe(0);
    expect(await listed()).toBe(first);
    const [command, args] = other.exec(['nft', 'delete', 'table', 'inet', 'weft']);
    expect((await tryRun(command, args)).code).toBe(0);
  });

  it('leaves the rules of others alone', async () => {
    const [add, addArgs] = other.exec(['nft', 'add table inet theirs']);
    await run(add, addArgs);
    expect((await runInit(other)).code).toBe(0);
    const [list, listArgs] = other.exec(['nft', 'list', 'tables']);
    expect((await run(list, listArgs)).trim().split('\n')).toEqual(['table inet theirs', 'table inet weft']);
    const [flush, flushArgs] = other.exec(['nft', 'flush', 'ruleset']);
    await run(flush, flushArgs);
  });

  it('without the right to do so fails with a reason', async () => {
    const main = new URL('../../proxy/init/main.ts', import.meta.url).pathname;
    const [command, args] = other.exec([process.execPath, '--no-warnings', main], APPLICATION);
    const { code, stdout } = await tryRun(command, args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ level: 'Error', code: 'REDIRECTION_FAILED' });
  });

  it('with a wrong variable changes nothing', async () => {
    const { code, stdout } = await runInit(other, { WEFT_EXCLUDE_OUTBOUND_PORTS: 'http' });
    expect([code, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ code: 'ENVIRONMENT_INVALID' })]);
    const [command, args] = other.exec(['nft', 'list', 'ruleset']);
    expect(await run(command, args)).toBe('');
  });
});
