/** Builds the images and brings them to the cluster's nodes, by kind or by a command such as a test cluster's own. */
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

export async function provideImages(): Promise<void> {
  if (skipBuild) return;
  await buildAndLoad(images.shop, join(root, 'examples', 'shop'));
  await buildAndLoad(images.weft, root);
}
