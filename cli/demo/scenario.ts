/** What the demo shows, one step after the other. Each step checks what it shows: a demo that lies exits 1. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { API_VERSION } from '../../core/api/index.ts';
import { call, startLoad, until } from './http.ts';
import { identityDir, outDir, type Paths, type Processes } from './processes.ts';
import { NAMESPACE, writeSource, type World } from './world.ts';

export interface Stage {
  readonly world: World;
  readonly paths: Paths;
  readonly processes: Processes;
  say(line: string): void;
}

const id = (account: string) => `spiffe://cluster.local/ns/${NAMESPACE}/sa/${account}`;

const policy = (name: string, spec: object) => ({
  apiVersion: API_VERSION,
  kind: 'MeshPolicy',
  metadata: { name, namespace: NAMESPACE },
  spec,
});

function podOf(world: World, service: string) {
  const pod = world.pods.find((candidate) => candidate.service === service);
  if (!pod) throw new Error(`the shop has no ${service}`);
  return pod;
}

/** Where a browser would meet the shop: web, through its proxy. */
export const frontUrl = (world: World): string => `http://127.0.0.1:${podOf(world, 'web').ports.inbound}`;

interface Relayed {
  answer: { status: number; headers: Record<string, string>; body: Record<string, unknown> };
}

/** Lets `from` call `to`, as its own code would: by its plain URL, through its proxy. */
async function relay(
  world: World,
  from: string,
  target: { to: string; path: string; method?: string },
): Promise<Relayed['answer']> {
  const query = new URLSearchParams({ to: target.to, path: target.path, method: target.method ?? 'GET' });
  const { body } = await call(
    `http://127.0.0.1:${podOf(world, from).ports.application}/call?${query.toString()}`,
  );
  return (JSON.parse(body) as Relayed).answer;
}

interface AccessLine {
  direction: string;
  source: string;
  destination: string;
  path: string;
  status: number;
  security: string;
}

function accessLine(stage: Stage, service: string, wanted: Partial<AccessLine>): Promise<AccessLine> {
  const { lines } = stage.processes.proxies.get(podOf(stage.world, service).name)!;
  return until(`an access log line of ${service}`, async () =>
    lines
      .toReversed()
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as AccessLine];
        } catch {
          return [];
        }
      })
      .find((entry) =>
        Object.entries(wanted).every(([key, value]) => entry[key as keyof AccessLine] === value),
      ),
  );
}

function expectThat(truth: boolean, what: string): void {
  if (!truth) throw new Error(`the demo expected ${what}`);
}

export async function showIdentities(stage: Stage): Promise<void> {
  stage.say('\n1. web calls cart by its plain URL. Two proxies on the way make it mutual TLS:');
  const answer = await until('web → cart', async () => {
    const got = await relay(stage.world, 'web', { to: 'cart', path: '/whoami' });
    return got.status === 200 ? got : undefined;
  });
  expectThat(answer.body['source'] === id('web'), `cart to see ${id('web')}`);
  const client = await accessLine(stage, 'web', { direction: 'outbound', path: '/whoami' });
  const server = await accessLine(stage, 'cart', { direction: 'inbound', path: '/whoami' });
  for (const [name, line] of Object.entries({ 'proxy of web ': client, 'proxy of cart': server })) {
    stage.say(
      `   ${name} ${line.direction.padEnd(8)} ${line.source} → ${line.destination}  ${line.security} ${line.status}`,
    );
    expectThat(line.source === id('web') && line.destination === id('cart'), 'both identities in both logs');
    expectThat(line.security === 'mtls', 'the call to be mutual TLS');
  }
  stage.say(`   and cart itself was told: x-weft-source: ${String(answer.body['source'])}`);
}

export async function showVersions(stage: Stage): Promise<void> {
  const seen: Record<string, number> = {};
  for (let count = 0; count < 20; count += 1) {
    const { body } = await relay(stage.world, 'web', { to: 'catalog', path: '/whoami' });
    const version = String(body['version']);
    seen[version] = (seen[version] ?? 0) + 1;
  }
  stage.say(`\n2. web calls catalog 20 times; its two versions share the work: ${JSON.stringify(seen)}`);
  expectThat(Object.keys(seen).length === 2, 'both versions of catalog to answer');
}

const onlyCartCharges = policy('payment', {
  selector: { matchLabels: { app: 'payment' } },
  mtls: { mode: 'Strict' },
  authorization: {
    rules: [
      {
        name: 'cart-charges',
        from: [{ serviceAccounts: [`${NAMESPACE}/cart`] }],
        to: [{ methods: ['POST'], paths: ['/charge'] }],
      },
    ],
  },
});

async function applied(stage: Stage, name: string): Promise<string | undefined> {
  const status = JSON.parse(await readFile(join(outDir(stage.paths), 'status.json'), 'utf8')) as {
    policies: Record<string, { applied?: string }>;
  };
  return status.policies[`${NAMESPACE}/${name}`]?.applied;
}

export async function showPolicy(stage: Stage): Promise<void> {
  const charge = { to: 'payment', path: '/charge', method: 'POST' };
  const before = await relay(stage.world, 'web', charge);
  expectThat(before.status === 200, `web → payment to work before the policy, not ${before.status}`);
  stage.say(
    `\n3. Before any policy, web may charge: web → payment ${before.status}. Now a MeshPolicy lets only cart do so:`,
  );
  const start = Date.now();
  await writeSource(join(stage.paths.run, 'source'), 'policies.yaml', [onlyCartCharges]);
  const refused = await until('web → payment refused', async () => {
    const got = await relay(stage.world, 'web', charge);
    return got.status === 403 ? got : undefined;
  });
  const tookMs = Date.now() - start;
  const allowed = await call(`http://127.0.0.1:${podOf(stage.world, 'web').ports.application}/checkout`, {
    method: 'POST',
  });
  stage.say(
    `   after ${tookMs} ms  web  → payment ${refused.status}  x-weft-reason: ${refused.headers['x-weft-reason']}`,
  );
  stage.say(`   ${JSON.stringify(refused.body)}`);
  stage.say(`   meanwhile  cart → payment ${allowed.status} (a checkout through web and cart)`);
  expectThat(allowed.status === 200, 'cart to stay allowed');
  const count = await until('the policy applied', async () => {
    const value = await applied(stage, 'payment');
    return value === '1/1' ? value : undefined;
  });
  stage.say(`   MeshPolicy shop/payment: APPLIED ${count}, as its proxy acknowledged`);
}

async function serialOf(stage: Stage, account: string): Promise<string> {
  const certificate = new X509Certificate(await readFile(join(identityDir(stage.paths, account), 'tls.crt')));
  return certificate.serialNumber.toLowerCase();
}

interface Certificates {
  inUse: { chain: { serial: string }[] } | null;
}

/** The certificate that the running proxy uses, not the one on disk. */
async function serialInUse(stage: Stage, service: string): Promise<string> {
  const { body } = await call(`http://127.0.0.1:${podOf(stage.world, service).ports.admin}/certificates`);
  return (JSON.parse(body) as Certificates).inUse?.chain[0]?.serial ?? '';
}

export async function showRotation(stage: Stage): Promise<void> {
  stage.say(
    '\n4. Certificates rotate under traffic: 100 requests/s through web, cart, catalog and inventory …',
  );
  const load = startLoad(`${frontUrl(stage.world)}/`, 100);
  const accounts = ['web', 'cart', 'catalog', 'inventory'];
  const before = await Promise.all(accounts.map((account) => serialInUse(stage, account)));
  const shorter = {
    apiVersion: API_VERSION,
    kind: 'MeshConfig',
    metadata: { name: 'default' },
    spec: { identity: { leafLifetime: '1h' } },
  };
  await writeSource(join(stage.paths.run, 'source'), 'meshconfig.yaml', [shorter]);
  const after = await Promise.all(
    accounts.map((account, index) =>
      until(`a new certificate of ${account} in use`, async () => {
        const serial = await serialInUse(stage, account);
        return serial !== before[index] && serial === (await serialOf(stage, account)) ? serial : undefined;
      }),
    ),
  );
  accounts.forEach((account, index) =>
    stage.say(`   ${account.padEnd(10)} ${before[index]!.slice(0, 16)}… → ${after[index]!.slice(0, 16)}…`),
  );
  const answered = await call(`${frontUrl(stage.world)}/`);
  expectThat(
    answered.status === 200,
    `the shop to work with the new certificates, not ${answered.status} ${answered.body}`,
  );
  const result = await load.stop();
  stage.say(
    `   ${result.sent} requests meanwhile, ${result.failed} failed ${result.failed > 0 ? JSON.stringify(result.failures) : ''}`,
  );
  expectThat(result.failed === 0, 'no request to fail');
}
