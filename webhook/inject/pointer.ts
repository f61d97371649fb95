/** A JSON pointer (RFC 6901) of its parts: `pointer('metadata', 'labels', 'a/b')` is `/metadata/labels/a~1b`. */
export const pointer = (...parts: (string | number)[]): string =>
  parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
