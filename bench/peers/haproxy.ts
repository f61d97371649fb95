/** HAProxy beside us: one thread, keep-alive both ways, an ACL, counters and a log line per request. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { start, which, type Started } from '../process.ts';

const DEFAULTS = `
global
  nbthread 1
  maxconn 8192
  log 127.0.0.1:15514 local0
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
`;

/** What Weft's policy in this benchmark says, as ACLs: some paths denied, some methods allowed. */
const RULES = `  acl denied path_beg /admin /internal
  acl allowed_method method GET HEAD POST
  http-request deny if denied
  http-request deny if !allowed_method
  http-request set-header X-Req abc
`;

export interface HaproxyOptions {
  dir: string;
  name: string;
  port: number;
  /** Port of the next hop. */
  to: number;
  /** `client`: TLS towards the next hop; `server`: TLS from the previous one; both with certificates checked. */
  tls?: 'client' | 'server';
  /** Application protocol between a pair. */
  alpn?: 'http/1.1' | 'h2';
}

function configuration({ dir, port, to, tls, alpn = 'http/1.1' }: HaproxyOptions): string {
  const certificates = `ssl crt ${join(dir, 'pair.pem')} ca-file ${join(dir, 'ca.crt')} alpn ${alpn}`;
  const bind = tls === 'server' ? ` ${certificates} verify required ssl-min-ver TLSv1.3` : '';
  const server = tls === 'client' ? ` ${certificates} verify required ssl-min-ver TLSv1.3` : '';
  return `${DEFAULTS}frontend in\n  bind 127.0.0.1:${port}${bind}\n${RULES}  default_backend out\nbackend out\n  server next 127.0.0.1:${to}${server}\n`;
}

export async function haproxy(options: HaproxyOptions): Promise<Started> {
  const file = join(options.dir, `${options.name}.haproxy.cfg`);
  await writeFile(file, configuration(options));
  // -db: one process in the foreground, so that its pid is the one that works
  return start({ command: which('haproxy')!, args: ['-db', '-q', '-f', file], port: options.port });
}
