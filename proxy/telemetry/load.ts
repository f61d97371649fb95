/** What the data path holds at this moment, and the bounds that it ran into. */
import { codeName } from '../wire/http2/constants.ts';
import { CounterFamily } from './counters.ts';
import { gaugeFamily, labelText, type Family } from './exposition.ts';
import type { Direction, Load } from './types.ts';

const DIRECTIONS = ['inbound', 'outbound'] as const satisfies readonly Direction[];

const nothing = (): Load => ({
  pending: 0,
  bufferedBytes: 0,
  heldBytes: 0,
  acceptedStreams: 0,
  openedStreams: 0,
});

/** Values for both directions, by another label where it is named. */
function* both(
  load: Record<Direction, Load>,
  read: (load: Load) => Readonly<Record<string, number>>,
  label = '',
): Generator<readonly [string, number]> {
  for (const direction of DIRECTIONS) {
    for (const [key, value] of Object.entries(read(load[direction]))) {
      yield [labelText({ direction, ...(label === '' ? {} : { [label]: key }) }), value];
    }
  }
}

export class Pressure {
  readonly load: Record<Direction, Load> = { inbound: nothing(), outbound: nothing() };
  readonly families: readonly Family[];
  readonly #errors = new CounterFamily({
    name: 'weft_http2_errors_total',
    help: 'RST_STREAM and GOAWAY with an error code that ended a stream or connection of HTTP/2, by who sent it.',
    labels: ['direction', 'by', 'code'],
  });
  readonly #bounds = new CounterFamily({
    name: 'weft_bounds_reached_total',
    help: 'How often a bound of this proxy was reached and something refused.',
    labels: ['bound'],
    limit: 64,
  });

  constructor() {
    const { load } = this;
    this.families = [
      gaugeFamily({
        name: 'weft_streams_open',
        help: 'Streams of HTTP/2 that are open now; role server: accepted from a peer, client: opened to one.',
        read: () => both(load, (at) => ({ server: at.acceptedStreams, client: at.openedStreams }), 'role'),
      }),
      gaugeFamily({
        name: 'weft_requests_pending',
        help: 'Requests that wait for a connection or a stream.',
        read: () => both(load, (at) => ({ '': at.pending })),
      }),
      gaugeFamily({
        name: 'weft_buffered_bytes',
        help: 'Bytes that wait for a slow reader; state sending: to be sent, held: taken in by paused streams.',
        read: () => both(load, (at) => ({ sending: at.bufferedBytes, held: at.heldBytes }), 'state'),
      }),
      this.#errors,
      this.#bounds,
    ];
  }

  http2Error(direction: Direction, code: number, by: 'proxy' | 'peer'): void {
    // a peer can say any number
    const name = codeName(code);
    this.#errors.get(direction, by, /^[A-Z]/.test(name) ? name : 'other').value += 1;
  }

  boundReached(bound: string): void {
    this.#bounds.get(bound).value += 1;
  }
}
