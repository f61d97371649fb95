/**
 * Where inputs are kept. `fuzz/found/<target>` holds what earlier runs reached, named by its hash, and is not in git;
 * `fuzz/regressions/<target>` holds inputs that once were findings, as hex, and `make test` runs them each time.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const FOUND = join(ROOT, 'found');
const FINDINGS = join(ROOT, 'findings');
const REGRESSIONS = join(ROOT, 'regressions');

const nameOf = (input: Uint8Array) => createHash('sha256').update(input).digest('hex').slice(0, 16);

const filesOf = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .toSorted()
        .map((name) => join(folder, name))
    : [];

/** Inputs of earlier runs, in a fixed order. */
export const foundInputs = (target: string): Buffer[] =>
  filesOf(join(FOUND, target)).map((file) => readFileSync(file));

export function keepFound(target: string, input: Uint8Array): void {
  mkdirSync(join(FOUND, target), { recursive: true });
  writeFileSync(join(FOUND, target, nameOf(input)), input);
}

/** Inputs that once were findings. Lines that begin with `#` say what they were. */
export const regressions = (target: string): { file: string; input: Buffer }[] =>
  filesOf(join(REGRESSIONS, target)).map((file) => ({ file, input: readHex(file) }));

/** The input of a finding or a regression: hex, with comments. */
export const readHex = (file: string): Buffer =>
  Buffer.from(readFileSync(file, 'utf8').replaceAll(/^#.*$/gm, '').replaceAll(/\s/g, ''), 'hex');

/** Writes a finding, and gives its path. */
export function writeFinding(
  target: string,
  { kind, message, input }: { kind: string; message: string; input: Buffer },
): string {
  const folder = join(FINDINGS, target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${kind}-${nameOf(input)}.hex`);
  // without its stack, which is of one machine and one version
  const [comment] = message.split('\n');
  const hex = input.toString('hex').replaceAll(/.{1,100}/g, '$&\n');
  writeFileSync(file, `# ${comment}\n${hex}`);
  return file;
}
