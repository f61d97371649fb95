import { describe, expect, it } from 'vitest';
import { DONE } from './head.ts';
import { HeadLines, type Line, type RecentLines } from './headLines.ts';
import { lineText } from './lineTexts.ts';
import { RequestHead } from './request.ts';
import { titleCase } from '../streams/titleCase.ts';

/** The lines of a request, read with what is known of `recent` ones. */
function linesOf(recent: RecentLines, ...texts: string[]): Line[] {
  const head = new RequestHead();
  const text = `GET / HTTP/1.1\r\nHost: a\r\n${texts.map((line) => `${line}\r\n`).join('')}\r\n`;
  expect(head.read(Buffer.from(text, 'latin1'), 0)).toBe(DONE);
  const lines = new HeadLines(head, 0, recent);
  lines.next();
  const found: Line[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) found.push(line);
  return found;
}

/** The only line, for a client of which nothing is known. */
const lineOf = (text: string): Line => linesOf([], text)[0]!;

describe('a line', () => {
  it('of two clients is taken apart once', () => {
    expect(lineOf('Accept: text/html')).toMatchObject({ name: { lower: 'accept' }, value: 'text/html' });
    expect(lineOf('Accept: text/html')).toBe(lineOf('Accept: text/html'));
    expect(lineOf('accept: text/html')).not.toBe(lineOf('Accept: text/html'));
    expect(lineOf('Accept:text/html')).toMatchObject({ value: 'text/html' });
  });

  it('at its place is known again, and another in its place is not taken for it', () => {
    const recent: RecentLines = [];
    const first = linesOf(recent, 'A: 1', 'B: 2');
    expect(linesOf(recent, 'A: 1', 'B: 2')).toEqual(first);
    expect(linesOf(recent, 'A: 1', 'B: 22')[1]).toMatchObject({ value: '22' });
    expect(linesOf(recent, 'A: 1', 'B: 2')[1]).toMatchObject({ value: '2' });
    expect(linesOf(recent, 'B: 2', 'A: 1').map(({ value }) => value)).toEqual(['2', '1']);
    expect(linesOf(recent, 'A: 1').map(({ value }) => value)).toEqual(['1']);
  });

  const secrets = [
    'Authorization', 'proxy-authorization', 'Cookie', 'SET-COOKIE', 'x-api-key', 'X-Auth-Token', 'x-csrf-token',
    'X-Forwarded-Client-Cert',
  ]; // prettier-ignore
  it.each([...secrets, 'Traceparent', 'x-request-id', 'ETag', 'Content-Length'])(
    'that says %s is kept without its value',
    (name) => {
      const recent: RecentLines = [];
      const value = name === 'Content-Length' ? '7' : 'to-be-forgotten';
      for (let time = 0; time < 3; time++) {
        expect(linesOf(recent, `${name}: ${value}`)).toMatchObject([
          { name: { written: name }, value, text: '' },
        ]);
        expect(JSON.stringify(recent)).not.toContain(`"${value}"`);
      }
      expect(lineOf(`${name}: ${value}`)).not.toBe(lineOf(`${name}: ${value}`));
      // in its place another value, another name that begins alike, and another way to write it
      const others = [`${name}:  8\t`, `${name}-Too: 9`, `${name.toUpperCase()}-: 1`, 'A: 0'];
      for (const other of others) {
        const [before, after] = other.split(':') as [string, string];
        expect(linesOf(recent, other)).toMatchObject([{ name: { written: before }, value: after.trim() }]);
        expect(linesOf(recent, `${name}: 5`)).toMatchObject([{ name: { written: name }, value: '5' }]);
      }
    },
  );

  it('that is long is kept without its value', () => {
    const recent: RecentLines = [];
    const text = `X-Long: ${'v'.repeat(512)}`;
    for (let time = 0; time < 2; time++) {
      expect(linesOf(recent, text)).toMatchObject([{ value: 'v'.repeat(512), text: '' }]);
      expect(JSON.stringify(recent)).not.toContain('vvv');
    }
    expect(lineOf(text)).not.toBe(lineOf(text));
    // in its place a short one, and then it again
    expect(linesOf(recent, 'X-Long: v')).toMatchObject([{ value: 'v', text: 'X-Long: v\r\n' }]);
    expect(linesOf(recent, text)).toMatchObject([{ value: 'v'.repeat(512) }]);
    const name = 'n'.repeat(600);
    expect(lineOf(`${name}: v`).name).not.toBe(lineOf(`${name}: v`).name);
    expect(lineOf('X-Short: v').name).toBe(lineOf('X-Short: w').name);
  });

  it('beyond those that are kept is read as well', () => {
    const [line, { name }] = [lineOf('X-Many: first'), lineOf('X-Name: first')];
    const distinct: Line[] = [];
    for (let count = 0; count < 1100; count++) distinct.push(lineOf(`X-Many: ${count}`));
    expect(distinct.every(({ value }, index) => value === String(index))).toBe(true);
    for (let count = 0; count < 1100; count++)
      expect(lineOf(`X-Name-${count}: v`)).toMatchObject({ name: { lower: `x-name-${count}` }, value: 'v' });
    expect(lineOf('X-Many: first')).not.toBe(line);
    expect(lineOf('X-Many: first')).toEqual(line);
    expect(lineOf('X-Name: second').name).not.toBe(name);
    expect(lineOf('X-Name: second').name).toEqual(name);
  });
});

describe('a line that is written', () => {
  const written = (name: string, titled: boolean, value: string) =>
    `${titled ? titleCase(name) : name}: ${value}\r\n`;

  it('is the same the first time and each time after', () => {
    for (const value of [
      'a',
      'a',
      'a',
      'b',
      'a',
      '',
      '',
      'a',
      'v'.repeat(129),
      'v'.repeat(129),
      '\xe9\xff',
      '\xe9\xff',
      '\xe9\xff',
    ]) {
      for (const titled of [true, false, true]) {
        for (const name of ['content-type', 'cookie', 'x-again', 'n'.repeat(65)])
          expect(lineText(name, titled, value)).toBe(written(name, titled, value));
      }
    }
  });

  it('is so for more names than are kept', () => {
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 1500; count++) {
        const [name, value] = [`x-written-${count}`, `v${(count * round) % 3}`];
        expect(lineText(name, count % 2 === 0, value)).toBe(written(name, count % 2 === 0, value));
      }
    }
  });
});
