import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDocuments } from './yaml.ts';
import { runCli } from './program.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weft-cli-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function weft(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runCli(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

let files = 0;
async function file(content: string): Promise<string> {
  files += 1;
  const path = join(directory, `${files}.yaml`);
  await writeFile(path, content);
  return path;
}

const SERVICE = `# the shop's cart
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}   # kept as it is
spec: {ports: [{port: 80}]}
`;
const deployment = (
  spec = '{containers: [{name: app, image: cart:1, args: [22:22, 2026-01-01, "yes"]}]}',
) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  template:
    metadata: {labels: {app: cart}}
    spec: ${spec}
`;

interface Workload {
  spec: { template: { spec: { initContainers?: { name: string }[]; containers: { args?: unknown[] }[] } } };
}

describe('weft inject', () => {
  test('injects workloads and passes everything else through as it was written', async () => {
    const path = await file(`${SERVICE}---\n${deployment()}---\n# only a comment\n`);
    const { code, out, err } = await weft('inject', '-f', path, '--image', 'weft:test');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.startsWith(`${SERVICE}---\n`)).toBe(true);
    expect(out.endsWith('---\n# only a comment\n')).toBe(true);
    const [service, injected] = readDocuments(out, 'out').map(({ value }) => value as Workload);
    expect(service).toMatchObject({ kind: 'Service' });
    expect(injected!.spec.template.spec.initContainers!.map(({ name }) => name)).toEqual([
      'weft-init',
      'weft-proxy',
    ]);
    expect(out).toContain('name: weft.deployment.cart');
    expect(injected!.spec.template.spec.containers[0]!.args).toEqual(['22:22', '2026-01-01', 'yes']);
  });

  test('what it prints, it leaves as it is', async () => {
    const once = await weft('inject', '-f', await file(`${SERVICE}---\n${deployment()}`));
    const twice = await weft('inject', '-f', await file(once.out), '--report');
    expect(twice.out).toBe(once.out);
    expect(twice.err).toContain('Deployment shop/cart: skipped\n  AlreadyInjected');
  });

  test.each([
    [
      'batch/v1',
      'CronJob',
      '{jobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}',
      'weft.cronjob.x',
    ],
    ['batch/v1', 'Job', '{template: {spec: {containers: [{name: a}]}}}', 'weft.job.x'],
    ['apps/v1', 'StatefulSet', '{template: {spec: {containers: [{name: a}]}}}', 'weft.statefulset.x'],
    ['v1', 'Pod', '{serviceAccountName: robot, containers: [{name: a}]}', 'weft.serviceaccount.robot'],
  ])('%s %s', async (...row) => {
    const [apiVersion, kind, spec, configMap] = row;
    const path = await file(`{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: x}, spec: ${spec}}`);
    expect((await weft('inject', '-f', path)).out).toContain(`name: ${configMap}\n`);
  });

  test('items of a List', async () => {
    const item = deployment().replaceAll('\n', '\n    ').trimEnd();
    const path = await file(`apiVersion: v1\nkind: List\nitems:\n  - ${item}\n`);
    expect((await weft('inject', '-f', path)).out).toContain('weft.deployment.cart');
  });

  test('labels of a namespace in the text count; of others, being asked is enough', async () => {
    const namespace = (labels: string) =>
      `{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: ${labels}}}\n---\n`;
    const off = await weft('inject', '--report', '-f', await file(namespace('{}') + deployment()));
    expect(off.err).toContain('NamespaceNotEnabled');
    expect(off.out).not.toContain('weft-proxy');
    const on = await weft(
      'inject',
      '-f',
      await file(namespace('{weft.dev/injection: enabled}') + deployment()),
    );
    expect(on.out).toContain('weft-proxy');
  });

  test('a pod that is refused: nothing is printed, every field is named, the exit code is 1', async () => {
    const path = await file(deployment('{containers: [{name: a, securityContext: {runAsUser: 1337}}]}'));
    const { code, out, err } = await weft('inject', '-f', path);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('USER_ID_RESERVED spec.containers[0].securityContext.runAsUser');
  });

  test('warnings and reasons go to standard error', async () => {
    const path = await file(deployment('{hostNetwork: true, containers: [{name: a}]}'));
    expect((await weft('inject', '-f', path)).err).toContain(
      'warning: Deployment shop/cart: no proxy was injected',
    );
    const explained = await weft('inject', '--explain', '-f', await file(deployment()));
    expect(explained.err).toContain('spec.initContainers[weft-proxy].restartPolicy: native sidecar');
  });

  test('settings of a MeshConfig; one that is wrong is refused by field', async () => {
    const mesh = (spec: string) =>
      file(
        `apiVersion: mesh.weft.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: ${spec}\n`,
      );
    const path = await file(deployment());
    const good = await mesh('{trustDomain: mesh.example, proxy: {resources: {requests: {cpu: 77m}}}}');
    const { out } = await weft('inject', '-f', path, '--mesh-config', good);
    expect(out).toContain('cpu: 77m');
    expect(out).toContain('value: mesh.example');
    const bad = await weft('inject', '-f', path, '--mesh-config', await mesh('{proxy: {logLevel: Loud}}'));
    expect(bad).toMatchObject({ code: 1, out: '' });
    expect(bad.err).toContain('spec.proxy.logLevel');
  });

  test.each([
    ['no YAML', 'a: [', 'line 1'],
    [
      'an odd pod',
      '{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [3, {name: 4, ports: 5}]}}',
      'line 1',
    ],
  ])('%s is an error with its place, not a crash', async (_name, content, expected) => {
    const { code, out, err } = await weft('inject', '-f', await file(content));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('FILE_INVALID');
    expect(err).toContain(expected);
  });

  test('text that is no workload passes through, whatever it is', async () => {
    for (const text of [
      '',
      '---\n',
      '3\n',
      'kind: Pod\n',
      '- kind: Pod\n',
      '{kind: Deployment, apiVersion: apps/v1}\n',
    ]) {
      expect(await weft('inject', '-f', await file(text))).toEqual({ code: 0, out: text, err: '' });
    }
  });

  test('a missing file is said so', async () => {
    const { code, err } = await weft('inject', '-f', join(directory, 'absent.yaml'));
    expect(code).toBe(1);
    expect(err).toContain('FILE_INVALID');
  });
});

describe('weft validate', () => {
  const policy = (spec: string) =>
    `apiVersion: mesh.weft.dev/v1alpha1\nkind: MeshPolicy\nmetadata: {name: p, namespace: shop}\nspec: ${spec}\n`;

  test('valid resources, among others that are not ours', async () => {
    const { code, out, err } = await weft(
      'validate',
      '-f',
      await file(`${SERVICE}---\n${policy('{mtls: {mode: Strict}}')}`),
    );
    expect({ code, out, err }).toEqual({ code: 0, out: 'MeshPolicy shop/p: valid\n', err: '' });
  });

  test('each wrong field is named, and the exit code is 1', async () => {
    const text = `${policy('{mtls: {mode: strict}, rule: []}')}---\n${policy('{mtls: {mode: Strict}}')}extra: 1\n`;
    const { code, err } = await weft('validate', '-f', await file(text));
    expect(code).toBe(1);
    expect(err).toContain('spec.mtls.mode: must be one of Strict, Permissive, Disabled (INVALID_FIELD');
    expect(err).toContain('spec.rule: unknown field (UNKNOWN_FIELD');
    expect(err).toContain('  extra: unknown field (UNKNOWN_FIELD');
  });

  test('a kind that is not known, and a resource without a name', async () => {
    const text =
      'apiVersion: mesh.weft.dev/v1alpha1\nkind: MeshRoute\nmetadata: {name: r}\n---\napiVersion: mesh.weft.dev/v1alpha1\nkind: MeshPolicy\n';
    const { code, err } = await weft('validate', '-f', await file(text));
    expect(code).toBe(1);
    expect(err).toContain('kind: mesh.weft.dev/v1alpha1 MeshRoute is not known');
    expect(err).toContain('metadata.name: is required');
  });

  test('the policies of the examples are valid', async () => {
    const folder = join(import.meta.dirname, '../examples/policies');
    const policies = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
    expect(policies.length).toBeGreaterThan(0);
    for (const name of policies) {
      expect(await weft('validate', '-f', join(folder, name))).toMatchObject({ code: 0, err: '' });
    }
  });
});

test('version, help and unknown commands', async () => {
  expect(await weft('version')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^weft \d+\.\d+\.\d+\n$/),
  });
  expect(await weft('--help')).toMatchObject({ code: 0, out: expect.stringContaining('demo') });
  expect((await weft('frobnicate')).code).toBe(1);
  expect((await weft('inject')).err).toContain('--filename');
});
