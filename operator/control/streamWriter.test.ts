import type { ServerHttp2Stream } from 'node:http2';
import { Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WeftError } from '../../core/errors/index.ts';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Bulk } from './bulk.ts';
import { MAX_WAITING, MAX_WAITING_BYTES, StreamWriter } from './streamWriter.ts';

let failed: string[];
let sent: number;
let stream: Writable;
let writer: StreamWriter;

beforeEach(() => {
  failed = [];
  sent = 0;
  // takes the first piece, and never says so
  stream = new Writable({ write: () => undefined });
  writer = new StreamWriter(stream as ServerHttp2Stream, {
    bulk: new Bulk({ clock: new ManualClock() }),
    onSent: () => (sent += 1),
    fail: (error) => {
      failed.push((error as WeftError).code);
      stream.end();
    },
  });
});

describe('a peer that reads nothing', () => {
  it('loses its stream, and the caller hears nothing of it', () => {
    for (let count = 0; count < MAX_WAITING * 2; count += 1) writer.write('absent', Buffer.from('x\n'));
    expect(failed).toEqual(['OVERLOADED']);
    expect(sent).toBe(MAX_WAITING + 1);
  });

  it('loses it sooner where its answers are long, and not for an update', () => {
    writer.write('update', Buffer.alloc(64 * 1024));
    writer.write('directory', Buffer.alloc(MAX_WAITING_BYTES * 2));
    const answer = Buffer.alloc(20 * 1024);
    while (failed.length === 0) writer.write('absent', answer);
    expect(failed).toEqual(['OVERLOADED']);
    expect((sent - 2) * answer.length).toBeLessThan(MAX_WAITING_BYTES + 2 * answer.length);
  });
});
