/**
 * Handshakes cost milliseconds each, on the one thread that does everything else: after a restart thousands come at
 * once. A few are begun in each turn of the event loop, so that between them others are served.
 */
import type { Socket } from 'node:net';

const PER_TURN = 4;

/** Gives sockets on, at once where there are few. */
export function takeTurns(give: (socket: Socket) => void): (socket: Socket) => void {
  const waiting = new Set<Socket>();
  let given = 0;
  let scheduled = false;

  const turn = (): void => {
    scheduled = false;
    given = 0;
    for (const socket of waiting) {
      if (given >= PER_TURN) break;
      waiting.delete(socket);
      begin(socket);
    }
  };
  const begin = (socket: Socket): void => {
    given += 1;
    if (!scheduled) setImmediate(turn);
    scheduled = true;
    if (!socket.destroyed) give(socket);
  };
  return (socket) => {
    // until it is given on, nobody else listens
    socket.on('error', () => waiting.delete(socket));
    if (given < PER_TURN) begin(socket);
    else waiting.add(socket);
  };
}
