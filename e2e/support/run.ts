import { spawn } from 'node:child_process';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Goes to the command's standard input. */
  input?: string;
  timeoutMs?: number;
  /** Its whole environment; absent: ours. */
  env?: NodeJS.ProcessEnv;
  /** Show the command's output as it comes. */
  show?: boolean;
}

/** Runs a command without a shell, whatever its exit code. Rejects only where it cannot start or takes too long. */
export function tryRun(command: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  const { input, timeoutMs = 120_000, show = false, env } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe', ...(env ? { env } : {}) });
    const outcome = { stdout: '', stderr: '' };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${[command, ...args].join(' ')} took more than ${timeoutMs} ms: ${outcome.stderr}`));
    }, timeoutMs);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (text: string) => {
        outcome[stream] += text;
        if (show) process.stderr.write(text);
      });
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, ...outcome });
    });
    // a command that does not read its input is no failure of ours
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}

/** Standard output of a command that must succeed; rejects with what it said on standard error. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRun(command, args, options);
  if (code !== 0) {
    throw new Error(`${[command, ...args].join(' ')} exited with ${code}: ${stderr || stdout}`);
  }
  return stdout;
}
