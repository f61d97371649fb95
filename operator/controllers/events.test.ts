import { beforeEach, expect, it } from 'vitest';
import type { Notice } from '../sinks/types.ts';
import { deployment, podModel, reportOf, snapshotOf, wantedFile } from '../testing/model.ts';
import { Events } from './events.ts';
import { SnapshotView } from './view.ts';

let notices: Notice[];
let events: Events;
const said = () => notices.map(({ reason, subject }) => `${reason} ${subject.kind} ${subject.name}`);
const bare = ({ proxy: _proxy, ...pod }: ReturnType<typeof podModel>) => pod;
const observe = (parts: Parameters<typeof snapshotOf>[0]): void => {
  const view = new SnapshotView(snapshotOf(parts));
  events.observe(view, view.snapshot.pods.values());
  events.rejected(view);
};

beforeEach(() => {
  notices = [];
  events = new Events({ sink: { warn: (notice) => notices.push(notice) }, onEvent: () => {} });
});

it.each([
  ['in an enabled namespace', podModel('a'), true],
  [
    'that asks for a proxy by its own label',
    podModel('a', { namespace: 'legacy', labels: { 'weft.dev/inject': 'true' } }),
    true,
  ],
  ['that wants none', podModel('a', { labels: { 'weft.dev/inject': 'false' } }), false],
  ['outside the mesh', podModel('a', { namespace: 'legacy' }), false],
  ['that has ended', podModel('a', { phase: 'Succeeded' }), false],
  [
    'of a system namespace',
    podModel('a', { namespace: 'kube-system', labels: { 'weft.dev/inject': 'true' } }),
    false,
  ],
])('warns of a pod without a proxy %s: %#', (_what, pod, expected) => {
  observe({ pods: [bare(pod)] });
  expect(said()).toEqual(expected ? ['ProxyMissing Pod a'] : []);
});

it('says each thing once, and again when it has changed', () => {
  const rejected = (generation: number, field: string) => ({
    kind: 'MeshPolicy' as const,
    namespace: 'shop',
    name: 'cart',
    uid: 'u',
    generation,
    problems: [{ code: 'UNKNOWN_FIELD' as const, field, message: 'unknown field' }],
  });
  observe({ rejected: [rejected(2, 'spec.mtl')] });
  observe({ rejected: [rejected(2, 'spec.mtl')] });
  observe({ rejected: [rejected(3, 'spec.mtlss')] });
  expect(notices.map(({ message }) => message)).toEqual([
    'generation 2 is not in force: spec.mtl: unknown field',
    'generation 3 is not in force: spec.mtlss: unknown field',
  ]);
  expect(notices[0]?.subject).toMatchObject({
    kind: 'MeshPolicy',
    namespace: 'shop',
    name: 'cart',
    uid: 'u',
  });
});

it('says that a proxy refused a document, and again only after it took one', () => {
  const pod = podModel('cart-1');
  const refused = { code: 'DOCUMENT_INVALID', field: 'sections[0]', message: 'is no section', since: 'now' };
  events.reported(reportOf(pod, { refused }));
  events.reported(reportOf(pod, { refused }));
  expect(said()).toEqual(['DocumentRefused Pod cart-1']);
  expect(notices[0]?.message).toContain('DOCUMENT_INVALID sections[0]: is no section');
  events.reported(reportOf(pod));
  events.reported(reportOf(pod, { refused }));
  expect(said()).toHaveLength(2);
});

it('tells the workload of a document that is too large or was changed', () => {
  const document = wantedFile('h', { workload: deployment('cart') });
  events.incident({ kind: 'tooLarge', document, bytes: 1_234_567 });
  events.incident({ kind: 'changed', document, repairMs: 12_000 });
  events.incident({ kind: 'changed', document, repairMs: 12_000 });
  expect(said()).toEqual([
    'DocumentTooLarge Deployment cart',
    'DocumentChanged Deployment cart',
    'DocumentChanged Deployment cart',
  ]);
  const directory = wantedFile('h', { name: 'weft.directory' });
  events.incident({ kind: 'tooLarge', document: directory, bytes: 1_234_567 });
  expect(said().at(-1)).toBe('DocumentTooLarge ConfigMap weft.directory');
});
