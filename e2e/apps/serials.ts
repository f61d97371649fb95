/**
 * `node serials.ts HOST PORT SECONDS`: opens a TLS connection to a proxy every second, without a certificate of its
 * own, and prints the certificates that it was shown: one JSON line {serial, notAfter, version} for each new one.
 * In TLS 1.3 the server shows its certificate before it asks for ours, so the refusal comes too late to hide it.
 */
import { connect } from 'node:tls';

const [host, port, seconds] = process.argv.slice(2);

function look(): Promise<{ serial: string; notAfter: string; version: string | null } | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      host: host!,
      port: Number(port),
      ALPNProtocols: ['weft-tcp/1'],
      // any certificate is wanted here; nothing is sent to its owner
      rejectUnauthorized: false,
    });
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('secureConnect', () => {
      const { serialNumber, valid_to: notAfter } = socket.getPeerCertificate();
      resolve({ serial: serialNumber, notAfter, version: socket.getProtocol() });
      socket.destroy();
    });
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
  });
}

const seen = new Set<string>();
const end = Date.now() + Number(seconds) * 1000;
const timer = setInterval(() => {
  if (Date.now() >= end) {
    clearInterval(timer);
    return;
  }
  void look().then((shown) => {
    if (!shown || seen.has(shown.serial)) return;
    seen.add(shown.serial);
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  });
}, 1_000);
