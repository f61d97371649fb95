/** Characters that JSON must escape (RFC 8259, section 7), and lone surrogates, which UTF-8 cannot carry. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A text as a JSON string. Most texts need no escape, and then this costs one look at them. */
export const quote = (text: string): string => (UNSAFE.test(text) ? JSON.stringify(text) : `"${text}"`);
