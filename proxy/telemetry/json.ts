/** Characters that JSON must escape (RFC 8259, section 7), and lone surrogates, which UTF-8 cannot carry. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A text as a JSON string. Most texts need no escape, and then this costs one look at them. */
export const quote = (text: string): string => (UNSAFE.test(text) ? JSON.stringify(text) : `"${text}"`);

/** `quote`, cut to a bound that keeps lines of a log short. */
export const quoteShort = (text: string, bound = 256): string =>
  quote(text.length <= bound ? text : text.slice(0, bound));

let lastMs = 0;
let lastText = '';

/** RFC 3339 with milliseconds. Formatting is dear: one text serves a whole millisecond. */
export function timestamp(ms: number = Date.now()): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString();
  }
  return lastText;
}
