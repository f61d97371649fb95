/** `node mailClient.ts HOST PORT TIMES`: opens connections one by one; prints how long greeting and answer took. */
import { connect } from 'node:net';

const [host, port, times] = process.argv.slice(2);

/** Milliseconds until the greeting, and from EHLO to its answer. */
function converse(): Promise<{ greeting: number; answer: number }> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let greeting = 0;
    let asked = 0;
    const socket = connect({ host: host!, port: Number(port), noDelay: true });
    socket.setEncoding('latin1');
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (text: string) => {
      if (text.startsWith('220')) {
        asked = performance.now();
        greeting = asked - started;
        socket.write('EHLO client\r\n');
      } else if (text.startsWith('250')) {
        socket.end('QUIT\r\n');
        resolve({ greeting, answer: performance.now() - asked });
      } else if (!text.startsWith('221')) {
        reject(new Error(`unexpected: ${text}`));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed before the answer')));
  });
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const rounds: { greeting: number; answer: number }[] = [];
for (let i = 0; i < Number(times); i += 1) rounds.push(await converse());
process.stdout.write(
  `${JSON.stringify({
    greetingMs: median(rounds.map(({ greeting }) => greeting)),
    answerMs: median(rounds.map(({ answer }) => answer)),
  })}\n`,
);
