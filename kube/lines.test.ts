import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './lines.ts';

describe('LineSplitter', () => {
  it('gives the same lines wherever the bytes are cut, also within a character', () => {
    const text = fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ' ')));
    fc.assert(
      fc.property(text, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const splitter = new LineSplitter(10_000);
        const found: string[] = [];
        for (let at = 0; at < bytes.length;) {
          const { value } = sizes.next();
          found.push(...splitter.push(bytes.subarray(at, at + value)));
          at += value;
        }
        expect(found).toEqual(lines.map((line) => line.toWellFormed()));
        expect(splitter.end()).toBe('');
      }),
    );
  });

  it('keeps what comes in single bytes at about its own size', () => {
    const splitter = new LineSplitter(1024 * 1024);
    const bytes = 1_000_000;
    const before = process.memoryUsage().arrayBuffers;
    // each with a buffer of its own, as they are read
    for (let count = 0; count < bytes; count += 1)
      splitter.push(Buffer.from(new ArrayBuffer(64), 0, 1).fill(97));
    expect(splitter.isWithinLine).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * bytes);
    expect(splitter.push(Buffer.from('\n'))).toEqual(['a'.repeat(bytes)]);
    expect(splitter.isWithinLine).toBe(false);
  });

  it('refuses what is no UTF-8 where it is told to', () => {
    const bytes = Buffer.from([0x61, 0xff, 0x0a]);
    expect(new LineSplitter(5).push(bytes)).toEqual(['a\ufffd']);
    expect(() => new LineSplitter(5, { fatal: true }).push(bytes)).toThrow(TypeError);
  });

  it('keeps what has no line feed yet, up to its bound', () => {
    const splitter = new LineSplitter(5);
    expect(splitter.push(Buffer.from('ab\ncde'))).toEqual(['ab']);
    expect(splitter.push(Buffer.from('fg'))).toEqual([]);
    expect(() => splitter.push(Buffer.from('h'))).toThrow(RangeError);
    expect(() => new LineSplitter(5).push(Buffer.from('abcdef\n'))).toThrow(RangeError);
    const other = new LineSplitter(5);
    other.push(Buffer.from('rest'));
    expect(other.end()).toBe('rest');
  });
});
