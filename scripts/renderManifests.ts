/**
 * Writes manifests/install.yaml, the chart rendered with its defaults, for those who install without Helm.
 * Needs Helm. Its header carries a hash of the chart, by which `make test` finds a stale one without Helm.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { chart, chartDigest, rendered } from './chartDigest.ts';

/** What Helm cannot know without a cluster; any supported version gives the same text. */
const KUBE_VERSION = '1.36.0';

/** The rendered install with its header. Rejects where Helm is missing or the chart is wrong. */
export async function render(): Promise<string> {
  const options = ['--namespace', 'weft-system', '--kube-version', KUBE_VERSION];
  const { stdout } = await promisify(execFile)(
    'helm',
    ['template', 'weft', chart, ...options, '--set', 'namespace.create=true'],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const header = [
    '# Weft, rendered from charts/weft by scripts/renderManifests.ts. Do not edit.',
    '# kubectl apply --server-side -f manifests/install.yaml',
    `# chart sha256: ${await chartDigest()}`,
  ];
  return `${header.join('\n')}\n${stdout}`;
}

if (import.meta.main) {
  await mkdir(dirname(rendered), { recursive: true });
  await writeFile(rendered, await render());
  process.stdout.write(`wrote ${rendered}\n`);
}
