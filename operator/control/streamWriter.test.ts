import type { ServerHttp2Stream } from 'node:http2';
import { Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WeftError } from '../../core/errors/index.ts';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Bulk } from './bulk.ts';
import { MAX_WAITING, StreamWriter } from './streamWriter.ts';

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
});
