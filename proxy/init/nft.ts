import { spawn } from 'node:child_process';
import { WeftError } from '../../core/errors/index.ts';
import type { InitEnvironment } from './env.ts';
import { ruleset, type TableFamily } from './rules.ts';

const TIMEOUT_MS = 30_000;
const MAX_MESSAGE = 2000;

/** Gives a ruleset to nft; undefined, or what nft said against it. */
export type Apply = (rules: string) => Promise<string | undefined>;

export const applyByNft: Apply = (rules) =>
  new Promise((resolve, reject) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: TIMEOUT_MS });
    let said = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      said = (said + text).slice(0, MAX_MESSAGE);
    });
    child.on('error', (cause) =>
      reject(new WeftError('REDIRECTION_FAILED', `nft cannot be run: ${cause.message}`, { cause })),
    );
    child.on('close', (code, signal) => {
      resolve(code === 0 ? undefined : `nft ended with ${code ?? signal}: ${said.trim()}`);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(rules);
  });

export interface Redirection {
  families: readonly TableFamily[];
}

export interface RedirectOptions {
  environment: InitEnvironment;
  /** The pod has IPv6 addresses: then leaving IPv6 alone would open a way around the mesh. */
  needsIpv6: boolean;
  apply: Apply;
}

/** Sets up the redirection in the best way that the kernel knows. Throws WeftError REDIRECTION_FAILED. */
export async function redirect({ environment, needsIpv6, apply }: RedirectOptions): Promise<Redirection> {
  const ways: TableFamily[][] = [
    ['inet'],
    ['ip', 'ip6'],
    ...(needsIpv6 ? [] : [['ip'] satisfies TableFamily[]]),
  ];
  const problems: string[] = [];
  for (const families of ways) {
    const problem = await apply(families.map((family) => ruleset(environment, family)).join(''));
    if (problem === undefined) return { families };
    problems.push(`${families.join(' and ')}: ${problem}`);
  }
  throw new WeftError('REDIRECTION_FAILED', problems.join('; '), { resource: 'table weft' });
}
