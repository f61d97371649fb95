/** nginx as the application behind every contender, and as a proxy beside us. One process each. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { start, which, type Started } from '../process.ts';

export interface NginxOptions {
  dir: string;
  name: string;
  port: number;
  /** Port of the next hop; absent: answers itself with `body` bytes. */
  to?: number;
  body?: number;
  tls?: 'client' | 'server';
}

function location({ dir, to, body = 100, tls }: NginxOptions): string {
  if (to === undefined) return `default_type text/plain; return 200 "${'x'.repeat(body)}";`;
  const scheme = tls === 'client' ? 'https' : 'http';
  const certificates =
    tls === 'client'
      ? `proxy_ssl_certificate ${dir}/pair.crt; proxy_ssl_certificate_key ${dir}/pair.key; proxy_ssl_protocols TLSv1.3; proxy_ssl_trusted_certificate ${dir}/ca.crt; proxy_ssl_verify on; proxy_ssl_name bench.weft.dev;`
      : '';
  return `if ($request_method !~ ^(GET|HEAD|POST)$) { return 403; }
    proxy_pass ${scheme}://next; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Req abc; ${certificates}`;
}

function configuration(options: NginxOptions): string {
  const { dir, name, port, to, tls } = options;
  const upstream =
    to === undefined
      ? ''
      : `upstream next { server 127.0.0.1:${to}; keepalive 256; keepalive_requests 100000000; }`;
  const listen =
    tls === 'server'
      ? `listen 127.0.0.1:${port} ssl; ssl_certificate ${dir}/pair.crt; ssl_certificate_key ${dir}/pair.key; ssl_client_certificate ${dir}/ca.crt; ssl_verify_client on; ssl_verify_depth 3; ssl_protocols TLSv1.3;`
      : `listen 127.0.0.1:${port};`;
  const log =
    to === undefined
      ? 'access_log off;'
      : `access_log ${dir}/${name}.access.log combined buffer=64k flush=1s;`;
  return `daemon off; master_process off; pid ${dir}/${name}.pid; error_log ${dir}/${name}.error.log crit;
events { worker_connections 8192; }
http {
  client_body_temp_path ${dir}/${name}.tmp/body; proxy_temp_path ${dir}/${name}.tmp/proxy;
  fastcgi_temp_path ${dir}/${name}.tmp/f; uwsgi_temp_path ${dir}/${name}.tmp/u; scgi_temp_path ${dir}/${name}.tmp/s;
  ${log} keepalive_requests 100000000; ${upstream}
  server { ${listen}
    ${to === undefined ? '' : 'location /admin { return 403; }'}
    location / { ${location(options)} }
  }
}
`;
}

export async function nginx(options: NginxOptions): Promise<Started> {
  const file = join(options.dir, `${options.name}.nginx.conf`);
  await mkdir(join(options.dir, `${options.name}.tmp`), { recursive: true });
  await writeFile(file, configuration(options));
  return start({
    command: which('nginx')!,
    args: ['-c', file, '-p', options.dir, '-e', join(options.dir, `${options.name}.error.log`)],
    port: options.port,
  });
}
