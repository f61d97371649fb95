import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineWriter } from './lineWriter.ts';
import { sharedOutput } from './sharedOutput.ts';

/** A reader that takes as much of each write as `takes` says; null: it is full. */
function reader(takes: readonly (number | null)[]) {
  let text = '';
  let turn = 0;
  return {
    get text() {
      return text;
    },
    write: (chunk: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void) => {
      const take = takes[turn++];
      setImmediate(() => {
        if (take === null) return done(Object.assign(new Error('full'), { code: 'EAGAIN' }), 0);
        const written = Math.min(chunk.length, take ?? chunk.length);
        text += chunk.toString('utf8', 0, written);
        done(null, written);
      });
    },
  };
}

describe('a shared output', () => {
  it('never mixes lines of its writers, however slowly they are read', async () => {
    const take = fc.option(fc.integer({ min: 1, max: 40 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(take, { maxLength: 30 }),
        fc.integer({ min: 1, max: 20 }),
        async (takes, count) => {
          const to = reader(takes);
          const output = sharedOutput(to.write);
          const writers = [lineWriter(1, output), lineWriter(1, output)];
          const expected: string[] = [];
          for (let i = 0; i < count; i++)
            for (const [of, writer] of writers.entries()) {
              const line = `${of}:${i}:${String(of).repeat(30)}`;
              expected.push(line);
              writer.write(line);
            }
          await Promise.all(writers.map((writer) => writer.end(5000)));
          expect(to.text.trimEnd().split('\n').toSorted()).toEqual(expected.toSorted());
        },
      ),
      { numRuns: 30 },
    );
  });

  it('tells each writer of its own error, and goes on', async () => {
    const written: string[] = [];
    const output = sharedOutput((chunk, done) => {
      const text = chunk.toString();
      if (text === 'lost') return done(Object.assign(new Error('lost'), { code: 'EIO' }), 0);
      written.push(text);
      done(null, chunk.length);
    });
    const outcomes: [string | undefined, number][] = [];
    for (const text of ['one', 'lost', 'two'])
      output(Buffer.from(text), (error, length) => outcomes.push([error?.code, length]));
    expect(written).toEqual(['one', 'two']);
    expect(outcomes).toEqual([
      [undefined, 3],
      ['EIO', 0],
      [undefined, 3],
    ]);
  });
});
