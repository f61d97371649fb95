import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderElector } from './leaderElector.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { ManualClock } from './testing/manualClock.ts';
import { until } from './testing/until.ts';

const NAMES = ['a', 'b', 'c'];
const trouble = fc.record({
  kind: fc.constantFrom('refuse', 'lose', 'drop', 'hang', 'none'),
  /** Whom it concerns; absent: all. */
  token: fc.constantFrom(...NAMES, undefined),
  times: fc.integer({ min: 1, max: 12 }),
  /** Half seconds until the next one. */
  turns: fc.integer({ min: 1, max: 30 }),
});

function make(
  { faults }: ApiServer,
  { kind, token, times }: { kind: string; token: string | undefined; times: number },
): void {
  const match = { times, ...(token === undefined ? {} : { token }) };
  if (kind === 'refuse') faults.respond({ ...match, status: 500 });
  if (kind === 'lose') faults.drop({ ...match, afterwards: true });
  if (kind === 'drop') faults.drop(match);
  if (kind === 'hang') faults.hang(match);
}

describe('LeaderElector, whatever happens', () => {
  it('never lets two lead at the same time, and in the end one leads', async () => {
    const several = fc.array(trouble, { minLength: 5, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(several, async (troubles) => {
        const server = await startApiServer();
        const clock = new ManualClock();
        const leading = new Set<string>();
        let most = 0;
        const electors = NAMES.map((name) =>
          new LeaderElector({
            client: server.client({ token: name }),
            namespace: 'weft-system',
            name: 'x',
            identity: name,
            clock,
            onStarted: (signal) => {
              leading.add(name);
              most = Math.max(most, leading.size);
              signal.addEventListener('abort', () => leading.delete(name), { once: true });
            },
          }).start(),
        );
        for (const next of troubles) {
          make(server, next);
          for (let turn = 0; turn < next.turns; turn++) {
            clock.advance(500);
            most = Math.max(most, electors.filter(({ isLeader }) => isLeader).length);
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        }
        server.faults.clear();
        await until('one leads', () => {
          clock.advance(250);
          return electors.some(({ isLeader }) => isLeader);
        });
        await Promise.all(electors.map((elector) => elector.stop()));
        await server.close();
        expect(most).toBe(1);
        expect(leading.size).toBe(0);
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});
