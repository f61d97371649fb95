import { beforeEach, describe, expect, it } from 'vitest';
import type { DirectoryMessage, UpdateMessage } from '../../core/control/index.ts';
import type { ProxyConfig, Service } from '../../core/proxyConfig/index.ts';
import type { Log } from '../context.ts';
import { ConfigCore } from './core.ts';
import { directoryMessage, directoryOf, documentOf, listed, serviceOf, updateOf } from './testing/mesh.ts';
import { sectionOf } from './testing/volumes.ts';

const warnings: string[] = [];
const errors: object[] = [];
const log: Log = {
  debug() {},
  info() {},
  warn: (_, message) => void warnings.push(message),
  error: (fields) => void errors.push(fields),
};
const CART = 'app="cart"\n';

let core: ConfigCore;
let files: { config?: string; directory?: string; labels?: string };

const file = (change: typeof files) => {
  files = { ...files, ...change };
  core.files({ config: undefined, directory: undefined, labels: undefined, ...files });
};
const configFile = (document: ProxyConfig) => file({ config: JSON.stringify(document) });
const push = (document: ProxyConfig) => core.update(updateOf(document, core.has()));
const code = (subject: 'config' | 'directory') => core.refusals.get(subject)?.code;
const inForce = () => core.config.current?.document.revision;

const web = serviceOf('web');
const ledger = serviceOf('ledger', { namespace: 'bank', address: '10.96.0.9' });

beforeEach(() => {
  core = new ConfigCore({ log });
  warnings.length = 0;
  errors.length = 0;
  files = {};
  file({ labels: CART });
});

describe('files beside the stream', () => {
  beforeEach(() => {
    push(documentOf({ revision: '20', services: [web] }));
  });

  it('that are older are passed over without a word', () => {
    warnings.length = 0;
    configFile(documentOf({ revision: '19' }));
    expect([inForce(), code('config'), warnings]).toEqual(['20', undefined, []]);
    expect(core.document?.source).toBe('stream');
  });

  it('that say something else at the same position do not undo what was asked for since', () => {
    push(documentOf({ revision: '20', services: [web, ledger] }));
    configFile(documentOf({ revision: '20', services: [web] }));
    expect(core.config.current!.services.size).toBe(2);
    expect(code('config')).toBeUndefined();
  });

  it('that are newer are taken', () => {
    configFile(documentOf({ revision: '21' }));
    expect([inForce(), core.document?.source]).toEqual(['21', 'file']);
  });

  it('that catch up say nothing new, and later ones of the stream are still newer', () => {
    const { since } = core;
    configFile(documentOf({ revision: '22', services: [web] }));
    expect([inForce(), core.document?.source, core.since]).toEqual(['22', 'stream', since]);
    const answer = push(documentOf({ revision: '22', services: [web, ledger] }));
    expect(answer).toMatchObject({ type: 'ack', revision: '22' });
  });

  it('that are older than what the stream brought last do not hide that it is refused', () => {
    const broken = { ...updateOf(documentOf({ revision: '22' }), core.has()), hash: 'x' };
    core.update(broken);
    configFile(documentOf({ revision: '20', services: [web] }));
    configFile(documentOf({ revision: '21' }));
    expect([inForce(), code('config')]).toEqual(['21', 'DOCUMENT_HASH_MISMATCH']);
    configFile(documentOf({ revision: '22' }));
    expect([inForce(), code('config')]).toEqual(['22', undefined]);
  });

  it('are news where they change what is in force or refused, and only there', () => {
    const news = (config: string) => core.files({ config, directory: undefined, labels: CART });
    const old = (revision: string) => JSON.stringify(documentOf({ revision, services: [web] }));
    expect([news(old('18')), news(old('19')), news(old('20'))]).toEqual([false, false, false]);
    expect([news('{corrupt'), news('{corrupt'), news(old('20'))]).toEqual([true, false, true]);
    expect([news(old('21')), news(old('21'))]).toEqual([true, false]);
  });

  it('that are refused are forgotten when the stream brings something newer', () => {
    file({ config: '{corrupt' });
    expect(code('config')).toBe('DOCUMENT_INVALID');
    push(documentOf({ revision: '23' }));
    expect(code('config')).toBeUndefined();
  });

  it('of the directory go by the same rules', () => {
    const one = directoryOf({ revision: '20', services: [listed(ledger)] });
    expect(core.directory(directoryMessage(one))).toBe(true);
    file({ directory: JSON.stringify(directoryOf({ revision: '19' })) });
    expect([core.config.current!.directory!.hash, code('directory')]).toEqual([one.hash, undefined]);
    file({ directory: JSON.stringify(directoryOf({ revision: '21' })) });
    expect(core.config.current!.directory!.revision).toBe('21');
    expect(core.directorySource).toBe('file');
  });
});

describe('a file that the stream overtook', () => {
  it('is passed over, also where the stream said what another file had brought', () => {
    const services = [web];
    configFile(documentOf({ revision: '20', services }));
    expect(push(documentOf({ revision: '25', services }))).toMatchObject({ type: 'ack' });
    configFile(documentOf({ revision: '22' }));
    expect([inForce(), code('config'), core.document?.source]).toEqual(['25', undefined, 'file']);
  });
});

describe('while there is no section for the labels', () => {
  const [cart, other] = [sectionOf({ app: 'cart' }), sectionOf({ app: 'web' })];
  const ready = () => core.config.current!.destinations.resolve('10.96.0.1', 8080).ready.length;
  const one = directoryOf({ services: [listed(ledger)] });

  beforeEach(() => {
    core.directory(directoryMessage(one));
    push(documentOf({ services: [web], sections: [cart] }));
  });

  it('a directory is in force where it is said to be', () => {
    file({ labels: 'app="web"\n' });
    const two = directoryOf({ revision: '11', services: [listed(ledger), listed(web)] });
    expect(core.directory(directoryMessage(two, one))).toBe(true);
    expect([core.has().directory, core.config.current!.directory!.hash]).toEqual([two.hash, two.hash]);
    expect(code('config')).toBe('SECTION_MISSING');
  });

  it('services are in force, policy is not, until the labels come', () => {
    const scaled = serviceOf('web', { endpoints: ['10.1.0.1', '10.1.0.2'] });
    const before = core.has();
    const next = documentOf({ revision: '11', services: [scaled], sections: [other] });
    expect(push(next)).toMatchObject({ type: 'refusal', code: 'SECTION_MISSING' });
    expect([ready(), inForce(), core.has()]).toEqual([2, '10', before]);
    expect(core.config.current!.section.labels).toEqual({ app: 'cart' });
    configFile(next);
    configFile(documentOf({ services: [web], sections: [cart] }));
    expect([ready(), code('config')]).toEqual([2, 'SECTION_MISSING']);
    file({ labels: 'app="web"\n' });
    expect([inForce(), code('config'), ready()]).toEqual(['11', undefined, 2]);
    expect(core.config.current!.section.labels).toEqual({ app: 'web' });
    expect(core.has().services['shop/web']).toBe(next.services[0]!.hash);
  });

  it('an update that brings the section settles it', () => {
    push(documentOf({ revision: '11', services: [], sections: [other] }));
    expect(code('config')).toBe('SECTION_MISSING');
    const next = documentOf({ revision: '12', services: [web], sections: [cart, other] });
    expect(push(next)).toMatchObject({ type: 'ack' });
    expect([inForce(), code('config'), ready()]).toEqual(['12', undefined, 1]);
  });
});

describe('an update', () => {
  it('is not taken before it is known which section is ours, and is when it is', () => {
    file({ labels: 'app="web"\n' });
    const document = documentOf({ sections: [sectionOf({ app: 'cart' })] });
    expect(push(document)).toMatchObject({ type: 'refusal', code: 'SECTION_MISSING' });
    expect(core.config.current).toBeUndefined();
    file({ labels: CART });
    expect(push(document)).toMatchObject({ type: 'ack' });
  });

  it('stays in force when the labels choose another section of it', () => {
    push(documentOf({ sections: [sectionOf({ app: 'cart' }), sectionOf({ app: 'web' })] }));
    file({ labels: 'app="web"\n' });
    expect(core.config.current!.section.labels).toEqual({ app: 'web' });
    file({ labels: 'app="none"\n' });
    expect(code('config')).toBe('SECTION_MISSING');
    expect(core.config.current!.section.labels).toEqual({ app: 'web' });
  });

  const document = documentOf({ services: [web] });
  const whole = updateOf(document, { parts: {}, services: {} });
  const { telemetry: _, ...incomplete } = whole.parts;
  const [sent] = whole.services as [Service];
  it.each<[string, Partial<Record<keyof UpdateMessage, unknown>>, string, string]>([
    ['a part that is missing', { parts: incomplete }, 'DOCUMENT_INVALID', 'parts.telemetry'],
    ['a part that is unknown', { parts: { ...whole.parts, magic: {} } }, 'DOCUMENT_INVALID', 'parts.magic'],
    ['a part that is no object', { parts: { ...whole.parts, policy: null } }, 'DOCUMENT_INVALID', 'workload'],
    [
      'an invalid service',
      { services: [{ ...sent, ports: [{}] }] },
      'DOCUMENT_INVALID',
      'services[0].ports[0].port',
    ],
    ['a service of another hash', { services: [{ ...sent, hosts: [] }] }, 'DOCUMENT_HASH_MISMATCH', 'hash'],
    ['a service too few', { services: [] }, 'DOCUMENT_HASH_MISMATCH', 'hash'],
    ['a hash of something else', { hash: 'other' }, 'DOCUMENT_HASH_MISMATCH', 'hash'],
  ])('with %s is refused whole', (_name, ...told) => {
    const [change, code, field] = told;
    const answer = core.update({ ...whole, ...change } as typeof whole);
    expect(answer).toMatchObject({ type: 'refusal', code, field });
    expect([core.config.current, core.has()]).toEqual([undefined, { parts: {}, services: {} }]);
  });

  it('keeps what it does not change: values, authorizer, destinations of other services', () => {
    push(documentOf({ services: [web, ledger] }));
    const before = core.config.current!;
    const [called, other] = [
      before.destinations.resolve('10.96.0.9', 8080),
      before.services.get('bank/ledger'),
    ];
    push(documentOf({ revision: '11', services: [serviceOf('web', { endpoints: ['10.1.0.7'] }), ledger] }));
    const after = core.config.current!;
    expect(after.authorizer).toBe(before.authorizer);
    expect(after.services.get('bank/ledger')).toBe(other);
    expect(after.destinations.resolve('10.96.0.9', 8080)).toBe(called);
    expect(after.destinations.resolve('10.96.0.1', 8080).ready.map(({ address }) => address)).toEqual([
      '10.1.0.7',
    ]);
  });

  it('that is whole leaves nothing of what was before', () => {
    push(documentOf({ services: [web, ledger] }));
    const next = documentOf({ revision: '11', services: [web] });
    const answer = core.update(updateOf(next, core.has({ document: true, directory: false })));
    expect([answer.type, [...core.config.current!.services.keys()]]).toEqual(['ack', ['shop/web']]);
  });

  it('of what is in force already is said to be in force', () => {
    push(documentOf({ revision: '12' }));
    expect(push(documentOf({ revision: '11' }))).toMatchObject({ type: 'ack', revision: '11' });
    expect(inForce()).toBe('12');
  });

  it('is in force for all, also where one of those who follow it fails', () => {
    const error = new Error('a bug');
    const seen: string[] = [];
    core.config.subscribe(() => {
      throw error;
    });
    core.config.subscribe(({ document }) => void seen.push(document.revision));
    expect(push(documentOf({ services: [web] })).type).toBe('ack');
    expect([inForce(), seen, errors, code('config')]).toEqual(['10', ['10'], [{ error }], undefined]);
    expect(Object.keys(core.has().services)).toEqual(['shop/web']);
  });

  it('names services of other namespaces as used', () => {
    push(documentOf({ services: [web, ledger] }));
    expect(core.used()).toEqual(['bank/ledger']);
  });
});

describe('a directory that names a service twice', () => {
  const one = directoryOf({ services: [listed(ledger)] });
  const message = directoryMessage(one);
  const outside = [{ namespace: 'shop', name: 'db', addresses: ['10.96.0.8'], ports: [5432] }];
  const twice = directoryMessage(directoryOf({ services: [], outside: [...outside, ...outside] }));

  it.each([
    ['in a message', { ...message, services: [...message.services, ...message.services] }, 'services'],
    ['as changed and as gone', { ...message, removed: ['bank/ledger'] }, 'services'],
    ['as gone and gone', { ...message, removed: ['shop/a', 'shop/a'] }, 'services'],
    ['outside the mesh', twice, 'outside.services'],
  ])('%s is refused', (_name, wrong, field) => {
    expect(core.directory(wrong)).toBe(false);
    expect(core.refusals.get('directory')).toMatchObject({ code: 'DOCUMENT_INVALID', field });
    expect(core.directorySource).toBeUndefined();
  });

  it('in a file is refused', () => {
    file({ directory: JSON.stringify(directoryOf({ services: [listed(ledger), listed(ledger)] })) });
    expect([code('directory'), core.directorySource]).toEqual(['DOCUMENT_INVALID', undefined]);
  });
});

describe('a directory that does not fit', () => {
  const one = directoryOf({ services: [listed(ledger)] });
  const two = directoryOf({ revision: '11', services: [listed(ledger), listed(web)] });

  it('is said not to be held until one fits or another stream begins', () => {
    core.directory(directoryMessage(one));
    const fits = (message: DirectoryMessage) => [core.directory(message), core.has().directory];
    expect(fits({ ...directoryMessage(two, one), hash: 'x' })).toEqual([false, undefined]);
    core.startOver();
    expect(core.has().directory).toBe(one.hash);
    expect(fits({ ...directoryMessage(two, one), base: 'x' })).toEqual([false, undefined]);
    expect(fits({ ...directoryMessage(two), hash: 'x' })).toEqual([false, undefined]);
    expect(core.config.current?.directory ?? core.directorySource).toBe('stream');
    expect(code('directory')).toBe('DOCUMENT_HASH_MISMATCH');
    expect(core.directory(directoryMessage(two, one))).toBe(true);
    expect([core.has().directory, code('directory')]).toEqual([two.hash, undefined]);
  });
});
