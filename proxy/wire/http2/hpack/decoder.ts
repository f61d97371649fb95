/** Decodes the header blocks of one connection, in the order in which they came: each depends on those before it. */
import { DynamicTable, INITIAL_SIZE, OVERHEAD } from './dynamicTable.ts';
import { INVALID, OVERLONG, readHuffman } from './huffman.ts';
import { readContinuation, readInteger, type Cursor } from './integers.ts';
import { readLatin1 } from './latin1.ts';
import { STATIC_COUNT, STATIC_NAMES, STATIC_VALUES } from './staticTable.ts';

export interface DecoderOptions {
  /** Bytes that our SETTINGS_HEADER_TABLE_SIZE announces. */
  maxTableSize: number;
  /** Bound of a field list: the sum of name, value and 32 for each field, RFC 9113 10.5.1. */
  maxListBytes: number;
}

/**
 * Why a block gave no list. `compression`: the connection error COMPRESSION_ERROR, nothing after it can be decoded.
 * `large`: the list is over the bound; the dynamic table is as the peer believes it to be, so the connection goes on.
 */
export type DecodeFailure = 'compression' | 'large';

const NONE: readonly string[] = [];
const NOTHING = Buffer.alloc(0);

export class HpackDecoder {
  /**
   * Bytes of the last list, counted as maxListBytes is. Above maxListBytes if and only if the list was `large`; then
   * strings that were too long to be kept count only as far as they were looked at.
   */
  listBytes = 0;
  /**
   * Names of the last block that came as never-indexed literals: who passes the fields on must encode them so again,
   * RFC 7541 7.1.3 (HpackEncoder.neverIndexed).
   */
  neverIndexed: readonly string[] = NONE;
  private readonly table = new DynamicTable(INITIAL_SIZE);
  private readonly maxListBytes: number;
  private readonly cursor: Cursor = { bytes: NOTHING, at: 0, end: 0 };
  /** What a size update may ask for at most. */
  private maxTableSize: number;
  /** Bound for the size update with which the next block must begin; -1 where it need not. */
  private dueSize = -1;
  private broken = false;
  private fields: string[] = [];
  /** The same list as `neverIndexed`, where that has any. */
  private never: string[] | undefined = undefined;

  /** Until the peer acknowledges our settings it encodes with the protocol's initial table size. */
  constructor({ maxTableSize, maxListBytes }: DecoderOptions) {
    this.maxTableSize = Math.max(maxTableSize, INITIAL_SIZE);
    this.maxListBytes = maxListBytes;
  }

  /**
   * To be called when the peer has acknowledged a SETTINGS_HEADER_TABLE_SIZE of `size` bytes, also the first one. If
   * that is less than the peer uses, its next block must begin with a size update, RFC 7541 4.2.
   */
  setMaxTableSize(size: number): void {
    this.maxTableSize = size;
    // of several changes between two blocks the smallest must be announced
    if (size < this.table.maxSize && (this.dueSize < 0 || size < this.dueSize)) this.dueSize = size;
  }

  /**
   * Decodes the whole block in bytes[start, end): name, value, name, value, ... as Latin-1 strings, names as they were
   * sent. Allocates no more than the bounds of the list and of the table allow, however far the block expands.
   */
  decode(bytes: Buffer, start: number, end: number): string[] | DecodeFailure {
    if (this.broken) return 'compression';
    const { cursor } = this;
    cursor.bytes = bytes;
    cursor.at = start;
    cursor.end = end;
    this.listBytes = 0;
    this.neverIndexed = NONE;
    this.never = undefined;
    this.fields = [];
    const understood = this.readSizeUpdates() && this.readFields();
    cursor.bytes = NOTHING;
    if (understood && this.large) return 'large';
    const fields = this.takeBeginning();
    if (understood) return fields;
    this.broken = true;
    return 'compression';
  }

  /** After `large`: what the list begins with, as far as it is within the bound. Forgotten with this. */
  takeBeginning(): string[] {
    const { fields } = this;
    // the list is the caller's from here on
    this.fields = [];
    return fields;
  }

  private readSizeUpdates(): boolean {
    const { cursor, table } = this;
    while (cursor.at < cursor.end && (cursor.bytes[cursor.at]! & 0xe0) === 0x20) {
      const size = readInteger(cursor, 0x1f);
      if (size < 0 || size > this.maxTableSize) return false;
      if (this.dueSize >= 0 && size > this.dueSize) return false;
      this.dueSize = -1;
      table.maxSize = size;
      table.evictTo(size);
    }
    return this.dueSize < 0;
  }

  private readFields(): boolean {
    const { cursor } = this;
    const { bytes, end } = cursor;
    while (cursor.at < end) {
      const first = bytes[cursor.at]!;
      if (first >= 0x80) {
        if (!this.readIndexed(first & 0x7f)) return false;
      } else if (first >= 0x40) {
        if (!this.readIndexedLiteral()) return false;
        // a size update after a field, RFC 7541 4.2
      } else if (first >= 0x20) return false;
      else if (!this.readLiteral(first >= 0x10)) return false;
    }
    return true;
  }

  /** Indexed field, RFC 7541 6.1. */
  private readIndexed(prefix: number): boolean {
    const { cursor, table } = this;
    cursor.at += 1;
    const index = prefix < 0x7f ? prefix : readContinuation(cursor, 0x7f);
    if (index <= STATIC_COUNT) {
      if (index <= 0) return false;
      this.take(STATIC_NAMES[index]!, STATIC_VALUES[index]!);
      return true;
    }
    const age = index - STATIC_COUNT;
    if (age > table.count) return false;
    const number = table.added - age;
    this.take(table.nameOf(number), table.valueOf(number));
    return true;
  }

  /** Literal field with incremental indexing, RFC 7541 6.2.1. */
  private readIndexedLiteral(): boolean {
    const { cursor, table } = this;
    const index = readInteger(cursor, 0x3f);
    // longer than both the table and the list can hold: neither will keep it
    const limit = Math.max(table.maxSize, this.room());
    const name = index === 0 ? this.readString(limit) : this.nameAt(index);
    if (name === INVALID) return false;
    const value = this.readString(limit);
    if (value === INVALID) return false;
    if (typeof name === 'number' || typeof value === 'number') {
      this.count(limit + 1);
      table.evictTo(0);
      return true;
    }
    this.take(name, value);
    const size = name.length + value.length + OVERHEAD;
    // an entry bigger than the table empties it, which is no error, RFC 7541 4.4
    table.evictTo(Math.max(table.maxSize - size, 0));
    if (size <= table.maxSize) table.add(name, value);
    return true;
  }

  /** Literal field without indexing or never indexed, RFC 7541 6.2.2 and 6.2.3. */
  private readLiteral(never: boolean): boolean {
    const index = readInteger(this.cursor, 0x0f);
    const limit = this.room();
    const name = index === 0 ? this.readString(limit) : this.nameAt(index);
    if (name === INVALID) return false;
    const value = this.readString(limit);
    if (value === INVALID) return false;
    if (typeof name === 'number' || typeof value === 'number') {
      this.count(limit + 1);
      return true;
    }
    if (this.take(name, value) && never) this.keepSecret(name);
    return true;
  }

  private keepSecret(name: string): void {
    if (this.never === undefined) this.neverIndexed = this.never = [name];
    else this.never.push(name);
  }

  /** Bytes that the next field may have. */
  private room(): number {
    return Math.max(this.maxListBytes - this.listBytes - OVERHEAD, 0);
  }

  private nameAt(index: number): string | typeof INVALID {
    if (index < 0) return INVALID;
    if (index <= STATIC_COUNT) return STATIC_NAMES[index]!;
    const { table } = this;
    const age = index - STATIC_COUNT;
    return age > table.count ? INVALID : table.nameOf(table.added - age);
  }

  /** String literal, RFC 7541 5.2; OVERLONG, but moved past, where it has more than `limit` bytes. */
  private readString(limit: number): string | number {
    const { cursor } = this;
    if (cursor.at >= cursor.end) return INVALID;
    const coded = cursor.bytes[cursor.at]! >= 0x80;
    const length = readInteger(cursor, 0x7f);
    if (length < 0 || length > cursor.end - cursor.at) return INVALID;
    if (coded) return readHuffman(cursor, length, limit);
    const start = cursor.at;
    cursor.at += length;
    return length > limit ? OVERLONG : readLatin1(cursor.bytes, start, cursor.at);
  }

  /** Adds a field to the list; false where the list is over its bound. */
  private take(name: string, value: string): boolean {
    this.count(name.length + value.length);
    if (this.large) return false;
    this.fields.push(name, value);
    return true;
  }

  /** Counts a field. Once the list is over its bound nothing more is gathered, and the table alone is kept up. */
  private count(bytes: number): void {
    this.listBytes += bytes + OVERHEAD;
  }

  private get large(): boolean {
    return this.listBytes > this.maxListBytes;
  }
}
