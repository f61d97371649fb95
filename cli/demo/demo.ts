/** `weft demo`: the shop in the mesh on a laptop, as local processes. No root, no cluster. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { call, until } from './http.ts';
import { startProcesses, type Paths, type Processes } from './processes.ts';
import { frontUrl, showIdentities, showPolicy, showRotation, showVersions, type Stage } from './scenario.ts';
import { layOut, writeWorld, type World } from './world.ts';

const CONTROL = '127.0.0.1:18010';

/** The checkout that holds the bundle (dist/weft.mjs) or this file (cli/demo). */
function projectRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'examples/shop/kubernetes'))) {
    if (dirname(dir) === dir)
      throw new Error('`weft demo` needs the checkout: examples/shop is not above this file');
    dir = dirname(dir);
  }
  return dir;
}

async function ready(world: World): Promise<void> {
  await Promise.all(
    world.pods.map((pod) =>
      until(
        `the proxy of ${pod.name} ready`,
        async () => {
          const { status, body } = await call(`http://127.0.0.1:${pod.ports.health}/healthz/ready`);
          if (status !== 200) throw new Error(body.trim());
          return true;
        },
        60_000,
      ),
    ),
  );
}

function tips(world: World): string {
  const pods = world.pods.map(
    ({ name, ports }) =>
      `     ${name.padEnd(14)} admin http://127.0.0.1:${ports.admin}/   metrics http://127.0.0.1:${ports.metrics}/metrics`,
  );
  return [
    '\nThe mesh stays up. Try:',
    `   curl -s ${frontUrl(world)}/`,
    `   curl -s '${frontUrl(world)}/call?to=payment&path=/charge&method=POST'      # refused: web is not cart`,
    `   curl -s -X POST ${frontUrl(world)}/checkout                                # allowed: web → cart → payment`,
    '   the proxies:',
    ...pods,
    'Ctrl-C ends everything.',
  ].join('\n');
}

async function interrupted(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

async function play(stage: Stage): Promise<void> {
  await showIdentities(stage);
  await showVersions(stage);
  await showPolicy(stage);
  await showRotation(stage);
}

export interface DemoOptions {
  keep: boolean;
}

/** Runs the demo. Resolves with the exit code: 0 when everything it showed was true. */
export async function demo({ keep }: DemoOptions): Promise<number> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const root = projectRoot();
  const paths: Paths = {
    dist: join(root, 'dist'),
    shop: join(root, 'examples/shop'),
    run: await mkdtemp(join(tmpdir(), 'weft-demo-')),
  };
  const started = Date.now();
  const world = await layOut(join(paths.shop, 'kubernetes'));
  await writeWorld(world, join(paths.run, 'source'));
  say(
    `Weft demo: ${world.pods.length} applications, each with a proxy, and the operator, as local processes.`,
  );
  let processes: Processes | undefined;
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined);
  const stopped = interrupted().then(() => 'interrupted' as const);
  try {
    processes = await startProcesses({
      world,
      paths,
      control: CONTROL,
      onEnd: (message) => fail(new Error(message)),
    });
    await Promise.race([ready(world), failed]);
    say(
      `All proxies have configuration and certificates after ${((Date.now() - started) / 1000).toFixed(1)} s.`,
    );
    const outcome = await Promise.race([
      play({ world, paths, processes, say }).then(() => 'played' as const),
      failed,
      stopped,
    ]);
    if (outcome === 'interrupted') return 130;
    say(
      `\nSummary: mTLS with both identities, a policy in force and acknowledged, a refusal with its reason, a rotation without a lost request; ${((Date.now() - started) / 1000).toFixed(1)} s.`,
    );
    if (keep) {
      say(tips(world));
      await Promise.race([stopped, failed]);
    }
    return 0;
  } catch (error) {
    say(`\nThe demo failed: ${(error as Error).message}`);
    if (processes) say(`Last lines of the operator:\n${processes.operator.lines.slice(-10).join('\n')}`);
    return 1;
  } finally {
    await processes?.stop();
    await rm(paths.run, { recursive: true, force: true });
  }
}
