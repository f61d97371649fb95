/** Builds the images and brings them to the cluster's nodes, by kind or by a command such as a test cluster's own. */
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imageLoader, images, kindCluster, root, skipBuild } from './environment.ts';
import { run } from './run.ts';

const MINUTES = 60_000;

async function buildAndLoad(tag: string, folder: string): Promise<void> {
  if (imageLoader === 'kind') {
    await run('docker', ['build', '-q', '-t', tag, folder], { timeoutMs: 15 * MINUTES });
    await run('kind', ['load', 'docker-image', tag, '--name', kindCluster], { timeoutMs: 5 * MINUTES });
    return;
  }
  await run(imageLoader, ['build', tag, folder], { timeoutMs: 15 * MINUTES });
  await run(imageLoader, ['load', tag], { timeoutMs: 5 * MINUTES });
}

/**
 * The image of the protocol tests. Its gRPC programs are built here and copied in, since an image of Go is more than
 * one can ask of a test cluster without a registry.
 */
async function provideProtocols(): Promise<void> {
  const source = join(root, 'e2e', 'apps', 'grpc');
  const context = join(root, 'dist', 'e2e-protocols');
  const interop = ['client', 'server'].map((name) => `google.golang.org/grpc/interop/${name}`);
  await rm(context, { recursive: true, force: true });
  await mkdir(join(context, 'bin'), { recursive: true });
  const flags = ['-trimpath', '-ldflags=-s -w', '-o', join(context, 'bin', '/')];
  const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux' };
  await run('go', ['-C', source, 'build', ...flags, './calls', ...interop], {
    timeoutMs: 15 * MINUTES,
    env,
  });
  await cp(join(root, 'e2e', 'apps', 'protocols', 'Dockerfile'), join(context, 'Dockerfile'));
  await buildAndLoad(images.protocols, context);
}

export async function provideImages(): Promise<void> {
  if (skipBuild) return;
  await buildAndLoad(images.shop, join(root, 'examples', 'shop'));
  await buildAndLoad(images.weft, root);
  await provideProtocols();
}
