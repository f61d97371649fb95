/** Databases and mail by their own clients through two proxies, however their ports are declared. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  declarations,
  inClient,
  port,
  provideProtocols,
  removeServers,
  report,
  server,
  type Declaration,
} from './support/protocols.ts';

const words = (line: string): string[] => line.trim().split(/\s+/);

/** Both with TLS of their own, for clients that ask for it. */
const POSTGRES = `postgres -D /data/postgres -k /tmp -h 0.0.0.0 -c fsync=off
  -c ssl=on -c ssl_cert_file=/tls/tls.crt -c ssl_key_file=/tls/tls.key`;
const MARIADB = `mariadbd --no-defaults --datadir=/data/mariadb --socket=/tmp/mariadb.sock --bind-address=0.0.0.0
  --skip-grant-tables --skip-networking=0 --innodb-flush-log-at-trx-commit=0
  --ssl-cert=/tls/tls.crt --ssl-key=/tls/tls.key`;

const nameOf = (declaration: Declaration) => `databases-${declaration.toLowerCase()}`;

const databases = (declaration: Declaration): object[] =>
  server(nameOf(declaration), {
    containers: {
      redis: words('redis-server --bind 0.0.0.0 --protected-mode no --appendonly no'),
      postgres: words(POSTGRES),
      mariadb: words(MARIADB),
      smtp: words('node /apps/smtpServer.ts 2525'),
    },
    ports: [
      port(6379, 'redis', declaration),
      port(5432, declaration === 'portName' ? 'tcp-postgres' : 'postgresql', declaration),
      port(3306, 'mysql', declaration),
      port(2525, declaration === 'portName' ? 'tcp-smtp' : 'smtp', declaration),
    ],
  });

beforeAll(async () => {
  await provideProtocols(...declarations.map(databases));
});

afterAll(() => removeServers(...declarations.map(nameOf)));

describe.each(declarations)('port: %s', (declaration) => {
  const host = nameOf(declaration);

  describe('Redis', () => {
    it('pipelines, publishes and waits', async () => {
      const seen = await report<{ waitedMs: number }>('redisClient.ts', [host, 6379]);
      expect(seen).toMatchObject({ pipelined: 10_000, received: 1000, popped: ['queue', 'at last'] });
      expect(seen.waitedMs).toBeGreaterThan(1900);
    });

    it('serves its own benchmark', async () => {
      const flags = ['-n', '20000', '-c', '8', '-P', '32', '-t', 'set,get,lpush,lpop', '--csv'];
      const text = await inClient(['redis-benchmark', '-h', host, ...flags]);
      expect(text.match(/^"(SET|GET|LPUSH|LPOP)"/gm)).toHaveLength(4);
    });
  });

  describe('PostgreSQL', () => {
    const psql = (mode: string, sql: string) =>
      inClient(['psql', '-qAt', `host=${host} user=test dbname=postgres sslmode=${mode}`, '-c', sql]);

    it.each(['disable', 'require'])('asks with sslmode=%s', async (mode) => {
      const sql = "select ssl, coalesce(version, '') from pg_stat_ssl where pid = pg_backend_pid()";
      expect((await psql(mode, sql)).trim()).toBe(mode === 'require' ? 't|TLSv1.3' : 'f|');
      const rows = await psql(mode, "select n, repeat('x', 1000) from generate_series(1, 5000) n");
      expect(rows.trim().split('\n')).toHaveLength(5000);
    });

    it.each(['disable', 'require'])('no transaction of pgbench fails with sslmode=%s', async (mode) => {
      const at = `host=${host} user=test dbname=postgres sslmode=${mode}`;
      await inClient(['pgbench', '-i', '-q', at]);
      const text = await inClient(['pgbench', '-n', '-c', '4', '-t', '100', '-M', 'prepared', at]);
      expect(text).toContain('number of transactions actually processed: 400/400');
      expect(text).toContain('number of failed transactions: 0');
    });
  });

  describe('MySQL', () => {
    it.each(['--skip-ssl', '--ssl'])('asks with %s', async (flag) => {
      const sql = "select repeat('x', 1000000); show status like 'Ssl_version'";
      const text = await inClient(['mariadb', '-h', host, '-u', 'root', flag, '-N', '-B', '-e', sql]);
      const [large, version] = text.trim().split('\n');
      expect(large).toHaveLength(1_000_000);
      expect(version?.split('\t')[1] ?? '').toBe(flag === '--ssl' ? 'TLSv1.3' : '');
    });

    it('serves its own load generator on many connections', async () => {
      const load = ['--auto-generate-sql', '--concurrency=8', '--number-of-queries=800', '--iterations=1'];
      const text = await inClient(['mariadb-slap', '-h', host, '-u', 'root', ...load]);
      expect(text).toContain('Average number of queries per client: 100');
    });
  });

  it('SMTP: curl sends mail', async () => {
    const mail = `Subject: hello\r\n\r\n${'line of text\r\n'.repeat(5000)}`;
    const script = `require('fs').writeFileSync('/tmp/mail', ${JSON.stringify(mail)})`;
    await inClient(['node', '-e', script]);
    for (let i = 0; i < 3; i += 1) {
      const addresses = '--mail-from a@own.example --mail-rcpt b@own.example';
      const command = `curl -sSv --url smtp://${host}:2525 ${addresses} --upload-file /tmp/mail --stderr -`;
      const text = await inClient(words(command));
      expect(text).toMatch(/250 took \d{5} bytes/);
    }
  });
});
