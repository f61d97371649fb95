import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codes } from '../../core/errors/index.ts';
import { podAnnotations } from './annotations.ts';
import { fieldReasons } from './fields.ts';

const path = join(import.meta.dirname, '../../docs/injection.md');
const START = '<!-- fields: generated from webhook/inject/fields.ts -->\n';
const END = '<!-- /fields -->';

test('docs/injection.md holds the table of fields (UPDATE_GOLDEN=1 rewrites it)', () => {
  const rows = fieldReasons.map(({ field, why }) => `| \`${field}\` | ${why} |`);
  const table = ['| field | why |', '| --- | --- |', ...rows, ''].join('\n');
  const text = readFileSync(path, 'utf8');
  const at = text.indexOf(START) + START.length;
  const expected = text.slice(0, at) + table + text.slice(text.indexOf(END));
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, expected);
  expect(readFileSync(path, 'utf8')).toBe(expected);
});

test('every annotation of a pod and every code of a refusal is documented', () => {
  const text = readFileSync(path, 'utf8');
  for (const name of podAnnotations) expect(text).toContain(`\`${name}\``);
  for (const code of ['USER_ID_RESERVED', 'PORT_RESERVED', 'INVALID_ANNOTATION', 'CLUSTER_TOO_OLD']) {
    expect(codes).toHaveProperty(code);
    expect(text).toContain(`\`${code}\``);
  }
});
