/** HAProxy beside us: one thread, keep-alive both ways, an ACL, counters and a log line per request. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Link, PeerOptions } from './links.ts';
import { start, which, type Started } from './process.ts';

/**
 * stdout: as in a container. syslog: a datagram for each line, as its packages set it up; nobody
 * listens here, which costs it as much as somebody who does.
 */
export const LOG_TARGETS = {
  stdout: 'log stdout format raw local0',
  syslog: 'log 127.0.0.1:15514 local0',
} as const;
export type LogTarget = keyof typeof LOG_TARGETS;

const defaults = (target: LogTarget) => `
global
  nbthread 1
  maxconn 9000
  ${LOG_TARGETS[target]}
defaults
  log global
  timeout connect 5s
  timeout client 600s
  timeout server 600s
`;

/** What Weft's policy in this benchmark says, as ACLs: some paths denied, some methods allowed. */
const RULES = `  mode http
  option httplog
  acl denied path_beg /admin /internal
  acl allowed_method method GET HEAD POST
  http-request deny if denied
  http-request deny if !allowed_method
  http-request set-header X-Req abc
`;

function bind({ dir, port }: PeerOptions, { protocol, tls }: Link): string {
  const line = `  bind 127.0.0.1:${port}`;
  if (!tls) return protocol === 'h2' ? `${line} proto h2` : line;
  const alpn = protocol === 'bytes' ? '' : ` alpn ${protocol}`;
  // no tickets: who the peer is must be proved on each connection, as between Weft's proxies
  return `${line} ssl crt ${join(dir, 'pair.pem')} ca-file ${join(dir, 'ca.crt')}${alpn} verify required ssl-min-ver TLSv1.3 no-tls-tickets`;
}

function server({ dir, to }: PeerOptions, { protocol, tls }: Link): string {
  const line = `  server next 127.0.0.1:${to}`;
  if (!tls) return protocol === 'h2' ? `${line} proto h2` : line;
  const alpn = protocol === 'bytes' ? '' : ` alpn ${protocol}`;
  return `${line} ssl crt ${join(dir, 'pair.pem')} ca-file ${join(dir, 'ca.crt')}${alpn} verify required ssl-min-ver TLSv1.3 no-ssl-reuse`;
}

function configuration(options: HaproxyOptions): string {
  const bytes = options.in.protocol === 'bytes';
  return [
    defaults(options.log ?? 'syslog'),
    'frontend in',
    bind(options, options.in),
    bytes ? '  mode tcp\n  option tcplog' : RULES,
    '  default_backend out',
    'backend out',
    bytes ? '  mode tcp' : '  mode http\n  http-reuse always',
    server(options, options.out),
    '',
  ].join('\n');
}

export interface HaproxyOptions extends PeerOptions {
  log?: LogTarget;
}

export async function haproxy(options: HaproxyOptions): Promise<Started> {
  const file = join(options.dir, `${options.name}.haproxy.cfg`);
  await writeFile(file, configuration(options));
  const command = which('haproxy');
  if (command === undefined) throw new Error('haproxy is missing; on Debian: apt-get install haproxy');
  // -db: one process in the foreground, so that its pid is the one that works
  return start({ command, args: ['-db', '-q', '-f', file], port: options.port });
}
