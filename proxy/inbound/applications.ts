/** Connections to the application behind this proxy, by the address that it was called at. */
import type { Address, DataPlane } from '../context.ts';
import { joinHostPort } from '../wire/address.ts';
import { dial } from '../wire/dial.ts';
import { Pool } from '../wire/exchange/pool.ts';
import type { Side } from '../wire/side.ts';
import type { Swept } from '../wire/sweeper.ts';

/** Servers without a hint that close after less are rare; a request that must not be sent twice is more careful. */
const IDLE_MS = 4_000;
const FRESH_MS = 100;
/** By these source addresses redirection knows that a connection comes from the inbound proxy. */
const SOURCE_IPV4 = '127.0.0.6';
const SOURCE_IPV6 = '::6';

export class Applications implements Swept {
  private readonly plane: DataPlane;
  private readonly side: Side;
  private readonly pools = new Map<string, Pool>();

  constructor(plane: DataPlane, side: Side) {
    this.plane = plane;
    this.side = side;
    side.sweeper.add(this);
  }

  /** `fixed`: a mapping of process mode, where nothing is redirected and no source address is needed. */
  at(address: Address, fixed: boolean): Pool {
    const key = joinHostPort(address.host, address.port);
    let pool = this.pools.get(key);
    if (!pool) this.pools.set(key, (pool = this.make(address, fixed)));
    return pool;
  }

  /** A client can name any port: what nobody uses is not kept. */
  sweep(): void {
    for (const [key, pool] of this.pools) {
      if (!pool.unused) continue;
      this.pools.delete(key);
      pool.retire();
    }
  }

  end(): void {
    for (const pool of this.pools.values()) pool.retire();
    this.pools.clear();
  }

  private make({ host, port }: Address, fixed: boolean): Pool {
    const source = host.includes(':') ? SOURCE_IPV6 : SOURCE_IPV4;
    return new Pool({
      upstream: joinHostPort(host, port),
      wire: undefined,
      spread: 1,
      trusted: false,
      idleMs: () => IDLE_MS,
      freshMs: FRESH_MS,
      sweeper: this.side.sweeper,
      load: this.side.load,
      incidents: this.side,
      serial: () => '',
      // counted by who called, not by what was dialled
      series: () => undefined,
      dial: (_wire, handlers) =>
        dial(
          {
            address: host,
            port,
            timeoutMs: this.plane.config.current?.document.settings.connectTimeoutMs ?? 5_000,
            localAddress: fixed ? undefined : source,
          },
          handlers,
        ),
    });
  }
}
