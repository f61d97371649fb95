/** What a connection says leaves here: once at the end of an event-loop turn, and only while the peer takes it. */
import type { Core } from './core.ts';
import { atTurnEnd, type TurnMember } from './turn.ts';

/** Frames of so many bytes are worth a write of their own. */
const ENOUGH = 8192;
/** Turns of the event loop that a write waits for others at most. */
const ROUNDS = 4;

export class Output implements TurnMember {
  /** The channel does not take what was written. */
  blocked = false;
  /** Streams up to this one have been handed to the channel. */
  handedOver = 0;
  private readonly connection: Core;
  private kicked = false;
  private readingPaused = false;
  /** What was made when the last turn ended, and turns since the first of it was. */
  private seen = 0;
  private rounds = 0;

  constructor(connection: Core) {
    this.connection = connection;
  }

  /** Something is to be said at the end of this turn. */
  kick(): void {
    if (this.kicked) return;
    this.kicked = true;
    atTurnEnd(this);
  }

  turnEnds(): void {
    const { connection } = this;
    const { ending } = connection;
    this.kicked = false;
    if (connection.over) return;
    if (this.blocked) return this.holdBack();
    const more = !ending.closing && connection.sender.run();
    // what says that the connection ends does not wait, nor anything after it
    if (!ending.goingAway && this.mayGrow()) return this.kick();
    const crowded = !connection.hasRoom;
    this.write();
    ending.left();
    if (more && !this.blocked) this.kick();
    if (crowded) connection.roomMade();
  }

  /**
   * The last round of the event loop added something, and streams are open that may add more: another look at the
   * sockets costs a tenth of a write.
   */
  private mayGrow(): boolean {
    const { writer, table } = this.connection;
    const { bytes } = writer;
    if (bytes > this.seen && bytes < ENOUGH && table.size > 1 && this.rounds < ROUNDS) {
      this.seen = bytes;
      this.rounds++;
      return true;
    }
    this.seen = this.rounds = 0;
    return false;
  }

  /** Hands over what was made. */
  write(): void {
    const { connection } = this;
    if (connection.role === 'client') this.handedOver = connection.table.last;
    this.blocked = !connection.writer.leave(connection.channel);
  }

  /** The channel takes more: in a turn of its own, so that a fast reader gets no more than its share. */
  drain(): void {
    this.blocked = false;
    if (this.readingPaused) {
      this.readingPaused = false;
      this.connection.channel.resume();
    }
    this.kick();
  }

  /** The peer does not read: what can be made for it is bounded. */
  private holdBack(): void {
    const { connection } = this;
    const { writer, limits, channel } = connection;
    writer.rest();
    if (writer.bytes <= limits.outBytes) return;
    if (writer.bytes > limits.outBytes * 2) return connection.lost('the peer does not read');
    // only a server stops reading: if both did, they could wait for each other
    if (connection.role !== 'server' || this.readingPaused) return;
    this.readingPaused = true;
    channel.pause();
  }
}
