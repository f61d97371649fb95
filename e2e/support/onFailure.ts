/** Writes down the state of the cluster when a test fails, while it is still there to be seen. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { namespaces, root } from './environment.ts';
import { livingPods, tryKubectl } from './kubectl.ts';

const TAIL = '--tail=300';

async function picture(): Promise<string> {
  const questions = [
    ['get', 'pods', '--all-namespaces', '-o', 'wide'],
    ['get', 'meshpolicies,meshconfigs', '--all-namespaces', '-o', 'yaml'],
    ['get', 'events', '--all-namespaces', '--sort-by=.lastTimestamp'],
    ['logs', '-n', namespaces.system, 'deployment/weft-operator', '--all-pods', TAIL],
    ['logs', '-n', namespaces.system, 'deployment/weft-webhook', '--all-pods', TAIL],
  ];
  for (const namespace of Object.values(namespaces).filter((name) => name !== namespaces.system)) {
    for (const { metadata } of await livingPods(namespace)) {
      questions.push(['logs', '-n', namespace, metadata.name, '--all-containers', '--prefix', TAIL]);
    }
  }
  const answers: string[] = [];
  for (const question of questions) {
    const { stdout, stderr } = await tryKubectl(question);
    answers.push(`$ kubectl ${question.join(' ')}\n${stdout}${stderr}`);
  }
  return answers.join('\n');
}

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  const folder = join(root, 'e2e', 'failures');
  const file = join(folder, `${task.name.replaceAll(/[^a-zA-Z0-9]+/g, '-').slice(0, 80)}.log`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, await picture());
  process.stderr.write(`state of the cluster: ${file}\n`);
});
