/** Runs a load generator to its end, and gives what it wrote. */
import { spawn } from 'node:child_process';
import { which } from '../peers/process.ts';

const PACKAGES: Record<string, string> = { wrk: 'wrk', h2load: 'nghttp2-client', nghttpd: 'nghttp2-server' };

/** The path of a tool, or an error that says where it comes from. */
export function tool(name: string): string {
  const file = which(name);
  if (file === undefined)
    throw new Error(`${name} is missing; on Debian: apt-get install ${PACKAGES[name] ?? name}`);
  return file;
}

export async function output(name: string, args: string[]): Promise<string> {
  const child = spawn(tool(name), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, complaint] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaint += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${complaint.trim() || text.trim()}`);
  return text;
}

/** A trace that each request belongs to, for the proxies to pass on. */
export const TRACE_HEADER = 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
