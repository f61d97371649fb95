import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePodLabels } from './podLabels.ts';

describe('labels of the downward API', () => {
  it('are read with their escapes', () => {
    expect(parsePodLabels('app="cart"\nshop.example/tier="a=\\"b\\""\nempty=""\n')).toEqual({
      app: 'cart',
      'shop.example/tier': 'a="b"',
      empty: '',
    });
    expect(parsePodLabels('')).toEqual({});
  });

  it.each(['app', '="x"', 'app=cart', 'app="cart', 'app=1'])(
    'are refused where they are broken: %s',
    (line) => {
      expect(() => parsePodLabels(`ok="1"\n${line}`)).toThrow(
        expect.objectContaining({ code: 'SECTION_MISSING', message: expect.stringContaining('line 2') }),
      );
    },
  );

  it('are what was written', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(fc.dictionary(name, fc.string({ unit: 'grapheme-ascii' })), (labels) => {
        const text = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}\n`);
        expect(parsePodLabels(text.join(''))).toEqual({ ...labels });
      }),
    );
  });
});
