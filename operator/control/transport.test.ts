import type { ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { until } from '../../kube/testing/until.ts';
import { LineStream } from './transport.ts';

function served(lineMs: number) {
  const [lines, failed]: string[][] = [[], []];
  const stream = Object.assign(new Duplex({ read: () => undefined, write: (_, __, done) => done() }), {
    respond: () => undefined,
    close: () => stream.destroy(),
  }) as Duplex;
  const lineStream = new LineStream(stream as ServerHttp2Stream, ({ code }) => failed!.push(code));
  lineStream.serve({
    maxBytes: 100,
    firstLineMs: 60_000,
    lineMs,
    onLine: (line) => lines!.push(line),
    onEnd: () => lines!.push('end'),
  });
  return { stream, lines: lines!, failed: failed! };
}

it('gives a line that was begun a time to end, and the pause between lines none', async () => {
  const slow = served(20);
  slow.stream.push('a\n');
  slow.stream.push('b');
  await until('the end', () => slow.lines.includes('end'));
  expect(slow.failed).toEqual(['REQUEST_TIMEOUT']);
  const whole = served(20);
  whole.stream.push('a\nb');
  whole.stream.push('\n');
  const other = served(60);
  other.stream.push('a\nb');
  await until('a later end', () => other.failed.length > 0);
  expect(whole.failed).toEqual([]);
  expect(whole.lines).toEqual(['a', 'b']);
  whole.stream.destroy();
});

it('refuses what is no UTF-8: it would grow on its way to the leader', async () => {
  const { stream, lines, failed } = served(60_000);
  stream.push(Buffer.from([0xff, 0x0a]));
  await until('the end', () => lines.includes('end'));
  expect(failed).toEqual(['MESSAGE_INVALID']);
  expect(lines).toEqual(['end']);
});
