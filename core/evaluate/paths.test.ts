import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalEscapes, pathForms, plainEnd, splitTarget } from './paths.ts';

const tricks =
  '/ // /./ /../ \\ %2e %2E%2e %2f %5c %00 %25 % ; ;x=1 ..; . .. admin a B %61 %c0%af %c0%ae %u002e %20 %3f %23 %zz'.split(
    ' ',
  );
/** Texts that look like attacks on path matching. */
const trickyPath = fc
  .array(fc.constantFrom(...tricks), { maxLength: 8 })
  .map((parts) => `/${parts.join('')}`);

const everything = '/public;a/%252e%252e;b%5c.//admin%2f%2fx%2e%00';

describe('forms of a path', () => {
  it.each([
    ['encoded letters', '/%61dmin/x'],
    ['an encoded dot segment', '/public/%2e%2e/admin/x'],
    ['mixed case escapes', '/public/%2E%2e/admin/x'],
    ['a half encoded dot segment', '/public/.%2e/admin/x'],
    ['a dot segment', '/./admin/x'],
    ['a double slash', '//admin/x'],
    ['a slash in the middle', '/admin//x'],
    ['slashes before dot segments', '/public//..//..//admin/x'],
    ['a backslash', '/public\\..\\admin/x'],
    ['an encoded backslash', '/public%5c..%5Cadmin/x'],
    ['an encoded slash', '/admin%2Fx'],
    ['an encoded slash and dots', '/public%2f..%2fadmin%2fx'],
    ['path parameters', '/admin;jsessionid=1/x;y'],
    ['parameters behind dots', '/public/..;/admin/x'],
    ['a double encoding', '/%2561dmin/x'],
    ['a triple encoding', '/%252561dmin/x'],
    ['a double encoded slash', '/admin%252fx'],
    ['an end of string', '/admin/x%00.png'],
    ['an encoded query', '/admin/x%3fy'],
    ['an encoded fragment', '/admin/x%23y'],
    ['trailing dots', '/admin./x...'],
    ['trailing space', '/admin%20/x%20'],
    ['an overlong slash', '/admin%c0%afx'],
    ['a longer overlong slash', '/admin%e0%80%afx'],
    ['overlong dots', '/public/%c0%ae%c0%ae/admin/x'],
    ["a server's own escape", '/public/%u002e%u002e/admin/x'],
    ['a control character', '/ad%09min/x'],
    ['no slash at the start', 'admin/x'],
    ['escapes that complete one another', '/%%361dmin/x'],
    ["a server's own escape, left alone beside dots", '/admin/x/%u002e%u002e%u002fz/%2e%2e/../x'],
    ['bytes that are no UTF-8, left alone beside dots', '/admin/%c0%ae%c0%ae%c0%afz/%2e%2e/x'],
    ['dots that are read although an escape is broken', '/admin/%zz%2f../%2e%2e/x'],
  ])('include what an application may make of %s', (_what, path) => {
    expect(plainEnd(path)).toBe(-1);
    expect(pathForms(path)).toContain('/admin/x');
  });

  it('keep the text of those who decode nothing', () => {
    expect(pathForms('/a%2Fb;c')).toContain('/a%2Fb;c');
    expect(pathForms('/b/../admin/%2e%2e/foo')).toContain('/admin/%2E%2E/foo');
  });

  it('are one for a path in which nothing can be misread', () => {
    for (const path of ['/', '/charge', '/a/b.c/d-e_f~g', '/a,b:c@d=e', '/static/'])
      expect(pathForms(path)).toEqual([path]);
    expect(pathForms('/a%20b')).toHaveLength(2);
    expect(pathForms('/caf%C3%A9')).toEqual(['/café']);
    expect(pathForms('/caf%c3%a9')).toEqual(['/café']);
  });

  it('have no limit that a caller could use: past it there is no reading', () => {
    expect(pathForms(everything)).toBeUndefined();
    expect(pathForms(`/${'%2e/'.repeat(20_000)}`)).toBeUndefined();
  });

  it('are closed: normalizing again finds nothing new', () => {
    fc.assert(
      fc.property(trickyPath, (path) => {
        const forms = pathForms(path);
        for (const form of forms ?? [])
          for (const again of pathForms(form) ?? []) expect(forms).toContain(again);
      }),
    );
  });

  it('agree with the quick look', () => {
    const target = fc.oneof(
      trickyPath,
      fc.webPath().map((path) => path || '/'),
    );
    fc.assert(
      fc.property(target, (path) => {
        const end = plainEnd(path);
        const alone = path.slice(0, end);
        expect(end === -1 || pathForms(alone)?.join() === alone).toBe(true);
      }),
    );
  });

  it('spell escapes in one way only', () => {
    fc.assert(
      fc.property(fc.oneof(trickyPath, fc.webPath()), (path) => {
        expect(canonicalEscapes(canonicalEscapes(path))).toBe(canonicalEscapes(path));
      }),
    );
    expect(canonicalEscapes('/%7euser/%2f%3B')).toBe('/~user/%2F%3B');
  });
});

describe('a request target', () => {
  it.each([
    ['/a?b=/c', '/a', undefined],
    ['http://shop:80/a?b', '/a', 'shop:80'],
    ['http://shop', '/', 'shop'],
    ['HTTPS://shop?x', '/', 'shop'],
    ['*', '*', undefined],
    ['/caf\u00c3\u00a9', '/caf%C3%A9', undefined],
  ])('%s is split', (target, path, authority) => {
    expect(splitTarget(target)).toEqual({ path, authority });
  });

  it('ends its path at the query', () => {
    expect(plainEnd('/a/b?c=%2e%2e//')).toBe(4);
    expect(plainEnd('http://shop/a')).toBe(-1);
    expect(plainEnd('/a.?b')).toBe(-1);
    expect(plainEnd('/a.b')).toBe(4);
  });
});
