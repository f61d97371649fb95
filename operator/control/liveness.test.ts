import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Liveness } from './liveness.ts';

const everyMs = 2_000;
let clock: ManualClock;
let liveness: Liveness;

beforeEach(() => {
  clock = new ManualClock();
  liveness = new Liveness({ clock, everyMs, endMs: 30_000 });
});

/** A peer that answers at once while it is awake, and the rest when it wakes up. */
class Peer {
  readonly events: string[] = [];
  pings = 0;
  awake = true;
  onTurn = (): void => undefined;
  readonly #waiting: (() => void)[] = [];
  readonly leave: () => void;

  constructor() {
    this.leave = liveness.add({
      ping: (answered) => {
        this.pings += 1;
        if (this.awake) answered();
        else this.#waiting.push(answered);
      },
      onTurn: () => this.onTurn(),
      onResponsive: (responsive) => this.events.push(responsive ? 'responsive' : 'unresponsive'),
      onSilent: () => {
        this.events.push('silent');
        this.leave();
      },
      onFailed: () => {
        this.events.push('failed');
        this.leave();
      },
    });
  }

  wake(): void {
    this.awake = true;
    for (const answered of this.#waiting.splice(0)) answered();
  }
}

describe('liveness', () => {
  it('ends a connection whose turn fails, and no other', () => {
    const [bad, good] = [new Peer(), new Peer()];
    bad.onTurn = () => {
      throw new Error('for the test');
    };
    clock.advance(everyMs * 2);
    expect(bad.events).toEqual(['failed']);
    expect(good.pings).toBe(2);
  });

  it('pings each connection once in a period, one at a time', () => {
    const peer = new Peer();
    clock.advance(everyMs * 10);
    expect(peer.pings).toBe(10);
    expect(peer.events).toEqual([]);
  });

  it('knows a peer as unresponsive within two periods, as responsive when it answers, and asks no more meanwhile', () => {
    const peer = new Peer();
    clock.advance(everyMs);
    peer.awake = false;
    clock.advance(everyMs * 2);
    expect(peer.events).toEqual(['unresponsive']);
    const { pings } = peer;
    clock.advance(everyMs * 3);
    expect(peer.pings).toBe(pings);
    peer.wake();
    expect(peer.events).toEqual(['unresponsive', 'responsive']);
    clock.advance(everyMs);
    expect(peer.pings).toBe(pings + 1);
  });

  it('gives up a peer that stays silent', () => {
    const peer = new Peer();
    peer.awake = false;
    clock.advance(32_000);
    expect(peer.events).toEqual(['unresponsive', 'silent']);
    expect(clock.pending).toBe(0);
  });

  it('spreads connections over time, with one timer for all', () => {
    const peers = Array.from({ length: 400 }, () => new Peer());
    expect(clock.pending).toBe(1);
    const pinged = (): number => peers.reduce((sum, { pings }) => sum + pings, 0);
    for (let turn = 1; turn <= 40; turn += 1) {
      clock.advance(everyMs / 40);
      expect(pinged()).toBe(turn * 10);
    }
    for (const peer of peers) peer.leave();
    expect(clock.pending).toBe(0);
  });
});
