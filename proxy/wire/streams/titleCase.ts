/** Bounds, since clients can invent any number of names. */
const MAX_KNOWN = 1024;
const MAX_LENGTH = 64;
const titles = new Map<string, string>();

/** `content-type` → `Content-Type`. */
export function titleCase(name: string): string {
  let title = titles.get(name);
  if (title === undefined) {
    if (titles.size >= MAX_KNOWN) titles.clear();
    title = name.replace(
      /(^|-)([a-z])/g,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    );
    if (name.length <= MAX_LENGTH) titles.set(name, title);
  }
  return title;
}
