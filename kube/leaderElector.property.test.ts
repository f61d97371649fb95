import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderElector } from './leaderElector.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { ManualClock } from './testing/manualClock.ts';
import { until } from './testing/until.ts';

const trouble = fc.constantFrom('refuse', 'lose', 'drop', 'hang', 'none', 'none', 'none');

function make(server: ApiServer, kind: string): void {
  if (kind === 'refuse') server.faults.respond({ status: 500, times: 3 });
  if (kind === 'lose') server.faults.drop({ afterwards: true, times: 2 });
  if (kind === 'drop') server.faults.drop({ times: 4 });
  if (kind === 'hang') server.faults.hang({ times: 2 });
}

describe('LeaderElector, whatever happens', () => {
  it('never lets two lead at the same time, and in the end one leads', async () => {
    const steps = fc.array(fc.tuple(trouble, fc.integer({ min: 1, max: 8 })), {
      minLength: 5,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const server = await startApiServer();
        const clock = new ManualClock();
        const leading = new Set<string>();
        let most = 0;
        const electors = ['a', 'b', 'c'].map((name) =>
          new LeaderElector({
            client: server.client(),
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
        for (const [kind, turns] of steps) {
          make(server, kind);
          for (let turn = 0; turn < turns; turn++) {
            clock.advance(500);
            most = Math.max(most, electors.filter(({ isLeader }) => isLeader).length);
            await new Promise((resolve) => setImmediate(resolve));
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
      { numRuns: 25 },
    );
  }, 60_000);
});
