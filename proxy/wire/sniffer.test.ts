import * as fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { bound } from './bounds.ts';
import { ignore, type Channel, type Handler } from './channel.ts';
import { readClientHello } from './clientHello.ts';
import { Sniffer, type SnifferOptions, type Spoken } from './sniffer.ts';
import { clientHello } from './testing/clientHello.ts';

vi.mock(import('./clientHello.ts'), { spy: true });

type Known = Pick<SnifferOptions, 'declared' | 'tls'>;

interface Outcome {
  spoken: Spoken | undefined;
  bytes: Buffer;
  silent: number;
  gone: number;
}

/** A connection of which only the handler matters. */
function sniffing(known: Known): { outcome: Outcome; handler: Handler; sniffer: Sniffer } {
  const outcome: Outcome = {
    spoken: undefined,
    bytes: Buffer.alloc(0),
    silent: 0,
    gone: 0,
  };
  const channel = { handler: ignore } as Channel;
  const sniffer = new Sniffer(channel, {
    ...known,
    decided: (spoken, bytes) => {
      expect(outcome.spoken).toBeUndefined();
      Object.assign(outcome, { spoken, bytes });
    },
    silent: () => (outcome.silent += 1),
    gone: () => (outcome.gone += 1),
  });
  return { outcome, handler: channel.handler, sniffer };
}

/** What is decided after these pieces, without any pause. */
function said(known: Known, ...pieces: (string | Buffer)[]): Outcome {
  const { outcome, handler, sniffer } = sniffing(known);
  for (const piece of pieces) handler.data(Buffer.from(piece as string, 'latin1'));
  sniffer.stop();
  return outcome;
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const http: Known = { declared: 'http', tls: true };
const tcp: Known = { declared: 'tcp', tls: true };
const unknown: Known = { declared: undefined, tls: true };

let weft: Buffer;
let own: Buffer;
/** TLS that begins with another message. */
const noHello = Buffer.from('\x16\x03\x01\x00\x04\x0e\x00\x00\x00', 'latin1');
beforeAll(async () => {
  [weft, own] = await Promise.all([clientHello(['weft/1', 'weft-tcp/1']), clientHello(['h2'], 'cart.shop')]);
});
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('what is decided', () => {
  const cases = (): [Known, Buffer | string, Spoken | undefined][] => [
    [http, REQUEST, 'http'],
    [http, PREFACE, 'http2'],
    [http, 'EHLO me\r\n', 'http'],
    [http, weft, 'weft'],
    [http, own, 'tls'],
    [http, noHello, 'http'],
    [{ ...http, tls: false }, REQUEST, 'http'],
    [{ ...http, tls: false }, PREFACE, 'http2'],
    [{ ...http, tls: false }, own, 'http'],
    [tcp, REQUEST, 'tcp'],
    [tcp, PREFACE, 'tcp'],
    [tcp, weft, 'weft'],
    [tcp, own, 'tls'],
    [tcp, noHello, 'tcp'],
    [{ ...tcp, tls: false }, weft, 'tcp'],
    [unknown, REQUEST, 'http'],
    [unknown, PREFACE, 'http2'],
    [unknown, 'EHLO me\r\n', 'tcp'],
    [unknown, weft, 'weft'],
    [unknown, own, 'tls'],
  ];

  it('is what the client speaks, within what is declared', () => {
    for (const [known, bytes, spoken] of cases()) expect(said(known, bytes).spoken).toBe(spoken);
  });

  it('does not depend on how the bytes are split, but for ports whose protocol is declared to be bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...cases().filter(([{ declared }]) => declared !== 'tcp')),
        fc.array(fc.nat(600), { maxLength: 4 }),
        ([known, bytes, spoken], cuts) => {
          const all = Buffer.from(bytes as string, 'latin1');
          const ends = [...cuts.filter((cut) => cut < all.length), all.length].toSorted((a, b) => a - b);
          const pieces = ends.map((end, i) => all.subarray(i === 0 ? 0 : ends[i - 1], end));
          const outcome = said(known, ...pieces.filter(({ length }) => length > 0));
          expect(outcome.spoken).toBe(spoken);
          expect(all.subarray(0, outcome.bytes.length)).toEqual(outcome.bytes);
        },
      ),
    );
  });

  it('costs no more for TLS that comes byte by byte', () => {
    for (const known of [http, unknown]) {
      vi.mocked(readClientHello).mockClear();
      expect(said(known, ...[...own].map((byte) => Buffer.from([byte])))).toEqual(said(known, own));
      expect(vi.mocked(readClientHello).mock.calls.length).toBeLessThan(20);
    }
  });

  it('comes with all bytes so far', () => {
    expect(said(unknown, PREFACE.slice(0, 3), PREFACE.slice(3)).bytes.toString()).toBe(PREFACE);
    expect(said(http, own.subarray(0, 50), own.subarray(50)).bytes).toEqual(own);
  });
});

describe('a client that does not go on', () => {
  it.each<[Known, string, number, Spoken]>([
    [unknown, 'GE', bound.undecidedMs, 'tcp'],
    [unknown, 'PR', bound.undecidedMs, 'tcp'],
    [unknown, 'PRI * HTT', bound.headMs, 'http'],
    [unknown, 'GET /', bound.headMs, 'http'],
    [unknown, '\x16\x03\x01', bound.sniffMs, 'tls'],
    [http, 'PRI', bound.headMs, 'http'],
    [http, '\x16\x03\x01', bound.sniffMs, 'http'],
    [tcp, '\x16\x03\x01', bound.sniffMs, 'tcp'],
  ])('%o after %j', (...[known, text, ms, expected]) => {
    const { outcome, handler } = sniffing(known);
    handler.data(Buffer.from(text, 'latin1'));
    vi.advanceTimersByTime(ms - 1);
    expect(outcome.spoken).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(outcome).toMatchObject({ spoken: expected, silent: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has ended: what it sent is judged as declared, else carried as bytes', () => {
    for (const [known, expected] of [
      [http, 'http'],
      [tcp, 'tcp'],
      [unknown, 'tcp'],
    ] as const) {
      const { outcome, handler } = sniffing(known);
      handler.end();
      expect(outcome.spoken).toBe(expected);
    }
  });

  it('is gone: nothing is decided any more, and nothing is waited for', () => {
    const { outcome, handler } = sniffing(unknown);
    handler.data(Buffer.from('GE'));
    handler.closed(undefined);
    handler.end();
    expect([outcome.spoken, outcome.gone, vi.getTimerCount()]).toEqual([undefined, 1, 0]);
  });
});

describe('a client that says nothing', () => {
  it('is told of once, and sniffing goes on', () => {
    const { outcome, handler } = sniffing(unknown);
    vi.advanceTimersByTime(bound.silenceMs);
    expect(outcome).toMatchObject({ silent: 1, spoken: undefined });
    handler.data(Buffer.from(PREFACE));
    expect(outcome).toMatchObject({ silent: 1, spoken: 'http2' });
  });

  it('is no longer listened to once the server has spoken', () => {
    const { outcome, handler, sniffer } = sniffing(unknown);
    handler.data(Buffer.from('GE'));
    expect(sniffer.stop().toString()).toBe('GE');
    handler.data(Buffer.from('T / HTTP/1.1\r\n'));
    vi.advanceTimersByTime(bound.headMs);
    expect(outcome.spoken).toBeUndefined();
  });
});
