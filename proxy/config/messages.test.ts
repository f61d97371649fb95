import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeftError } from '../../core/errors/index.ts';
import { Lines } from './lines.ts';
import { readOperatorMessage } from './messages.ts';

const update = { type: 'update', epoch: 1, revision: '1', hash: 'h', parts: {}, services: [], removed: [] };
const directory = { type: 'directory', epoch: 1, revision: '1', hash: 'h', services: [], removed: [] };

function problemOf(line: string): unknown {
  try {
    readOperatorMessage(line);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('messages of the operator', () => {
  it.each([
    update,
    directory,
    { ...directory, base: 'h', outside: { services: [], removed: ['a/b'] } },
    { type: 'absent', services: { 'a/b': 'SERVICE_UNKNOWN' } },
    { type: 'error', code: 'X', message: '' },
  ])('are read: %o', (message) => {
    expect(readOperatorMessage(JSON.stringify(message))).toEqual(message);
  });

  it('of later versions are passed over', () => {
    expect(readOperatorMessage('{"type":"later"}')).toBeUndefined();
    expect(readOperatorMessage('{"type":"constructor"}')).toBeUndefined();
  });

  it.each([
    ['no JSON', '{', undefined],
    ['no object', '[]', undefined],
    ['nothing', 'null', undefined],
    ['no type', '{}', 'type'],
    ['no epoch', JSON.stringify({ ...update, epoch: 0 }), 'epoch'],
    ['a revision that is no number', JSON.stringify({ ...update, revision: '1e3' }), 'revision'],
    ['no parts', JSON.stringify({ ...update, parts: [] }), 'parts'],
    ['services that are none', JSON.stringify({ ...update, services: [1] }), 'services'],
    ['keys that are none', JSON.stringify({ ...directory, removed: [1] }), 'removed'],
    ['a list of what is outside that is none', JSON.stringify({ ...directory, outside: {} }), 'outside'],
    ['reasons that are none', '{"type":"absent","services":{"a/b":1}}', 'services'],
  ])('are refused with %s', (_name, line, field) => {
    expect(() => readOperatorMessage(line)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_INVALID', field }),
    );
  });

  it('of any form are read or refused', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('update', 'directory', 'absent', 'error'), (text, type) => {
        const value: unknown = JSON.parse(text);
        const line = JSON.stringify(typeof value === 'object' ? { ...value, type } : value);
        const problem = problemOf(line);
        expect(problem === undefined || problem instanceof WeftError).toBe(true);
      }),
    );
  });
});

describe('lines', () => {
  it('are the same however the bytes come', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat({ max: 40 })), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const lines = new Lines(1000);
        const read: string[] = [];
        let start = 0;
        for (const cut of cuts) {
          read.push(...lines.push(bytes.subarray(start, start + cut)));
          start += cut;
        }
        read.push(...lines.push(bytes.subarray(start)));
        expect(read).toEqual(texts.filter((text) => text !== ''));
      }),
    );
  });

  it('are refused past a bound, also before they end', () => {
    const lines = new Lines(10);
    expect(lines.push(Buffer.from('0123456789\n01234'))).toEqual(['0123456789']);
    expect(() => lines.push(Buffer.from('567890'))).toThrow(RangeError);
    expect(() => new Lines(10).push(Buffer.from('0123456789x\n'))).toThrow(RangeError);
  });
});
