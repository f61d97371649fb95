/** Other people's servers as child processes on loopback. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';

export interface Program {
  readonly port: number;
  /** What it said on its standard and error output. */
  readonly output: () => string;
  stop(): Promise<void>;
}

/** Path of a program; an error that says how to get it where it is not installed. */
export function programPath(name: string, debianPackage: string): string {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
    '/usr/local/go/bin',
  ];
  const found = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (found === undefined)
    throw new Error(`${name} is not installed; on Debian: apt-get install ${debianPackage}`);
  return found;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** Waits until `child` accepts connections on `port`; fails with what it said where it ends before. */
async function listening(child: ChildProcess, port: number, output: () => string): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await accepts(port))) {
    if (child.exitCode !== null)
      throw new Error(`${child.spawnfile} ended with ${child.exitCode}: ${output()}`);
    if (performance.now() > deadline) throw new Error(`${child.spawnfile} does not listen: ${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Starts a program that listens on `port`, and waits until it does. */
export async function startProgram(file: string, args: readonly string[], port: number): Promise<Program> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
  const ended = once(child, 'exit');
  const output = () => said.join('');
  await listening(child, port, output);
  return {
    port,
    output,
    async stop() {
      if (child.exitCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** nginx that passes everything on to `to`, body read first, target as it came. */
export async function nginx(folder: string, to: number): Promise<Program> {
  const port = await freePort();
  const home = join(folder, `nginx-${port}`);
  await mkdir(home, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map((name) => `${name}_temp_path ${home}/${name};`).join(' ');
  await writeFile(
    join(home, 'nginx.conf'),
    `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log crit;
events { worker_connections 512; }
http { ${paths} access_log off; client_max_body_size 0;
  server { listen 127.0.0.1:${port};
    location / { proxy_pass http://127.0.0.1:${to}; proxy_http_version 1.1; proxy_ignore_client_abort on; } } }
`,
  );
  const args = ['-c', join(home, 'nginx.conf'), '-p', home, '-e', join(home, 'error.log')];
  return startProgram(programPath('nginx', 'nginx-light'), args, port);
}

/** HAProxy that passes everything on to `to`. */
export async function haproxy(folder: string, to: number): Promise<Program> {
  const port = await freePort();
  const file = join(folder, `haproxy-${port}.cfg`);
  await writeFile(
    file,
    `global
  nbthread 1
  maxconn 512
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server application 127.0.0.1:${to}
`,
  );
  return startProgram(programPath('haproxy', 'haproxy'), ['-db', '-q', '-f', file], port);
}
