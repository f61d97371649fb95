import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineWriter, type WriteSome } from './lineWriter.ts';

/** A reader that takes what the test lets it take. */
function reader() {
  let text = '';
  const waiting: { chunk: Buffer; done: Parameters<WriteSome>[1] }[] = [];
  const writeSome: WriteSome = (chunk, done) => void waiting.push({ chunk, done });
  const takeOne = (bytes?: number) => {
    const next = waiting.shift();
    if (!next) return false;
    const taken = next.chunk.subarray(0, bytes);
    text += taken.toString();
    next.done(null, taken.length);
    return true;
  };
  return { writeSome, takeOne, waiting, text: () => text };
}

const until = async (condition: () => boolean) => {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('did not happen');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};

describe('a line writer', () => {
  it('writes the lines of one turn together, one write at a time', async () => {
    const { writeSome, takeOne, waiting, text } = reader();
    const writer = lineWriter(1, writeSome);
    writer.write('a');
    writer.write('b');
    await until(() => waiting.length === 1);
    writer.write('c');
    writer.write('d');
    takeOne();
    await until(() => waiting.length === 1);
    takeOne();
    expect(text()).toBe('a\nb\nc\nd\n');
    await writer.end(1000);
  });

  it('goes on where a write ended early', async () => {
    const { writeSome, takeOne, waiting, text } = reader();
    const writer = lineWriter(1, writeSome);
    writer.write('{"a":"ä"}');
    await until(() => waiting.length === 1);
    while (takeOne(2));
    expect(text()).toContain('{"a":');
    expect(waiting).toHaveLength(0);
    await writer.end(1000);
    expect(Buffer.from(text()).length).toBeGreaterThan(8);
  });

  it('drops and counts what a stopped reader leaves, within a bound', async () => {
    const { writeSome, takeOne, waiting } = reader();
    const writer = lineWriter(1, writeSome);
    const line = 'x'.repeat(1023);
    for (let i = 0; i < 10_000; i++) writer.write(line);
    expect(writer.dropped).toBeGreaterThan(5000);
    expect(writer.dropped).toBeLessThan(6000);
    const dropped = writer.dropped;
    while (takeOne());
    writer.write('again');
    expect(writer.dropped).toBe(dropped);
    await until(() => waiting.length === 1);
    takeOne();
    await writer.end(1000);
  });

  it('tries a full pipe again, and gives up on one without a reader', async () => {
    const { writeSome, takeOne, waiting, text } = reader();
    const writer = lineWriter(1, writeSome);
    writer.write('a');
    await until(() => waiting.length === 1);
    waiting.shift()!.done(Object.assign(new Error('full'), { code: 'EAGAIN' }), 0);
    await until(() => waiting.length === 1);
    takeOne();
    expect(text()).toBe('a\n');
    writer.write('b');
    await until(() => waiting.length === 1);
    waiting.shift()!.done(Object.assign(new Error('gone'), { code: 'EPIPE' }), 0);
    writer.write('c');
    expect(writer.dropped).toBe(1);
    await writer.end(1000);
  });

  it('takes lines that are put into its page', async () => {
    const { writeSome, takeOne, waiting, text } = reader();
    const writer = lineWriter(1, writeSome);
    const at = writer.begin(100);
    writer.finish(at + writer.page.write('in place', at));
    writer.begin(100); // and never finished
    writer.write('as a text');
    await until(() => waiting.length === 1);
    takeOne();
    expect(text()).toBe('in place\nas a text\n');
    await writer.end(1000);
  });

  it('writes every byte once and in order, though its pages serve again', () => {
    const step = fc.record({
      length: fc.nat({ max: 40_000 }),
      inPlace: fc.boolean(),
      flush: fc.boolean(),
      take: fc.nat({ max: 3 }),
    });
    const bytesTaken = fc.integer({ min: 1, max: 70_000 });
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), bytesTaken, (steps, bytes) => {
        const { writeSome, takeOne, text } = reader();
        const writer = lineWriter(1, writeSome);
        let expected = '';
        for (const [index, { length, inPlace, flush, take }] of steps.entries()) {
          const content = `${index}:`.padEnd(length, String.fromCharCode(97 + (index % 26)));
          expected += `${content}\n`;
          if (inPlace) {
            const at = writer.begin(50_000);
            writer.finish(at + writer.page.write(content, at));
          } else writer.write(content);
          if (flush) void writer.end(0);
          for (let i = 0; i < take; i++) takeOne(bytes);
        }
        void writer.end(0);
        while (takeOne()) void writer.end(0);
        expect(text() === expected).toBe(true);
        expect(writer.dropped).toBe(0);
      }),
    );
  });

  it('uses few pages again and again, where its reader keeps up', () => {
    const memory = new Set<ArrayBufferLike>();
    const writer = lineWriter(1, (chunk, done) => {
      memory.add(chunk.buffer);
      done(null, chunk.length);
    });
    for (let i = 0; i < 5000; i++) writer.write('x'.repeat(1000));
    expect(memory.size).toBe(2);
  });

  it('has room for the longest line, however long', () => {
    const { writeSome, takeOne, text } = reader();
    const writer = lineWriter(1, writeSome);
    writer.write('a');
    const at = writer.begin(300_000);
    writer.finish(at + writer.page.write('b'.repeat(300_000), at));
    void writer.end(0);
    while (takeOne()) void writer.end(0);
    expect(text()).toBe(`a\n${'b'.repeat(300_000)}\n`);
  });
});
