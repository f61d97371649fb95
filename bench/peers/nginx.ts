/** nginx as the application behind every contender, and as a proxy beside us. One process each. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PeerOptions } from './links.ts';
import { start, which, type Started } from './process.ts';

/** Bodies that the application gives, by path. */
export const BODIES = { '/100': 100, '/1k': 1024, '/64k': 65_536, '/10m': 10_485_760 } as const;
export type BodyPath = keyof typeof BODIES;

const head = (dir: string, name: string) => `daemon off; master_process off;
pid ${dir}/${name}.pid; error_log ${dir}/${name}.error.log crit; worker_rlimit_nofile 65536;
events { worker_connections 32768; }
http {
  client_body_temp_path ${dir}/${name}.tmp/body; proxy_temp_path ${dir}/${name}.tmp/proxy;
  fastcgi_temp_path ${dir}/${name}.tmp/f; uwsgi_temp_path ${dir}/${name}.tmp/u; scgi_temp_path ${dir}/${name}.tmp/s;
  keepalive_requests 100000000; keepalive_timeout 600s;`;

async function run(options: { dir: string; name: string; port: number }, text: string): Promise<Started> {
  const { dir, name, port } = options;
  const command = which('nginx');
  if (command === undefined) throw new Error('nginx is missing; on Debian: apt-get install nginx-light');
  const file = join(dir, `${name}.nginx.conf`);
  await mkdir(join(dir, `${name}.tmp`), { recursive: true });
  await writeFile(file, text);
  return start({ command, args: ['-c', file, '-p', dir, '-e', join(dir, `${name}.error.log`)], port });
}

/** The application: 100 bytes out of memory, the larger bodies as files from the page cache. */
export async function nginxApplication(options: {
  dir: string;
  name: string;
  port: number;
}): Promise<Started> {
  const { dir, name, port } = options;
  const root = join(dir, `${name}.bodies`);
  await mkdir(root, { recursive: true });
  for (const [path, size] of Object.entries(BODIES)) await writeFile(join(root, path), 'x'.repeat(size));
  return run(
    options,
    `${head(dir, name)}
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=16; open_file_cache_valid 600s;
  server { listen 127.0.0.1:${port} backlog=4096; root ${root};
    location = / { return 200 "${'x'.repeat(100)}"; }
    location = /100 { return 200 "${'x'.repeat(100)}"; }
    location / { default_type application/octet-stream; }
  }
}
`,
  );
}

/** A proxy with the same rules, counters (its log's) and a log line per request, HTTP/1.1 on both sides. */
export async function nginx(options: PeerOptions): Promise<Started> {
  const { dir, name, port, to } = options;
  const incoming = options.in.tls
    ? `listen 127.0.0.1:${port} ssl backlog=4096; ssl_certificate ${dir}/pair.crt; ssl_certificate_key ${dir}/pair.key;
    ssl_client_certificate ${dir}/ca.crt; ssl_verify_client on; ssl_verify_depth 3; ssl_protocols TLSv1.3;
    ssl_session_tickets off; ssl_session_cache off;`
    : `listen 127.0.0.1:${port} backlog=4096;`;
  const outgoing = options.out.tls
    ? `proxy_pass https://next; proxy_ssl_certificate ${dir}/pair.crt; proxy_ssl_certificate_key ${dir}/pair.key;
      proxy_ssl_protocols TLSv1.3; proxy_ssl_trusted_certificate ${dir}/ca.crt; proxy_ssl_verify on;
      proxy_ssl_name bench.weft.dev; proxy_ssl_session_reuse off;`
    : 'proxy_pass http://next;';
  return run(
    options,
    `${head(dir, name)}
  access_log /dev/null combined buffer=64k flush=1s;
  upstream next { server 127.0.0.1:${to}; keepalive 256; keepalive_requests 100000000; keepalive_timeout 600s; }
  server { ${incoming}
    location /admin { return 403; }
    location /internal { return 403; }
    location / {
      if ($request_method !~ ^(GET|HEAD|POST)$) { return 403; }
      ${outgoing}
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Req abc;
    }
  }
}
`,
  );
}
