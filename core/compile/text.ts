/** Canonical text of documents. Parts are shared by many documents, so the text of each is made once. */
import { canonicalJson } from '../proxyConfig/index.ts';

const texts = new WeakMap<object, string>();

function textOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return canonicalJson(value);
  let text = texts.get(value);
  if (text === undefined) {
    text = Array.isArray(value) ? `[${value.map(textOf).join(',')}]` : canonicalJson(value);
    texts.set(value, text);
  }
  return text;
}

/** The same text as `contentOf` gives, for a document whose parts never change once they were made. */
export function contentText(content: object): string {
  const entries = Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`;
}
