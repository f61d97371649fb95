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
});
