/** `node listening.ts PORT...`: succeeds if every port of this pod accepts connections, for a readiness probe. */
import { readFileSync } from 'node:fs';

const LISTEN = '0A';

/** Ports in state LISTEN; looked up, not dialled, so that no server sees a connection without a client. */
const open = ['tcp', 'tcp6'].flatMap((family) =>
  readFileSync(`/proc/net/${family}`, 'latin1')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTEN)
    .map(([, local]) => Number.parseInt(local!.split(':')[1]!, 16)),
);
const missing = process.argv.slice(2).filter((port) => !open.includes(Number(port)));
if (missing.length > 0) {
  process.stderr.write(`not listening: ${missing.join(' ')}\n`);
  process.exit(1);
}
