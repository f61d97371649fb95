/** Encodes the header blocks of one connection, in the order in which they are to be sent. */
import { DynamicTable, INITIAL_SIZE, OVERHEAD } from './dynamicTable.ts';
import { writeLatin1 } from './latin1.ts';
import { NameState } from './nameState.ts';
import { writeInteger, type Cursor, type Prefix } from './integers.ts';
import { KNOWN_NAMES } from './policy.ts';
import { STATIC_COUNT } from './staticTable.ts';

const INDEXED: Prefix = { pattern: 0x80, mask: 0x7f };
const WITH_INDEXING: Prefix = { pattern: 0x40, mask: 0x3f };
const WITHOUT_INDEXING: Prefix = { pattern: 0x00, mask: 0x0f };
const NEVER_INDEXED: Prefix = { pattern: 0x10, mask: 0x0f };
const SIZE_UPDATE: Prefix = { pattern: 0x20, mask: 0x1f };
/** Not Huffman-coded: see HpackEncoder. */
const RAW_STRING: Prefix = { pattern: 0x00, mask: 0x7f };

/** Two size updates, each an integer of six bytes. */
const UPDATES_BOUND = 12;
/** What a field can need beside its name and value: an index or a zero byte, and the two lengths. */
const FIELD_BOUND = 18;
/** An entry of more than this share of the table would drive out more than it can save. */
const LARGEST_SHARE = 1 / 4;

/** Nobody has more secrets in one head: past so many names all fields are taken for secrets, which looks none up. */
const MANY_SECRETS = 16;

const NOTHING = Buffer.alloc(0);
const NONE: readonly string[] = [];

/** Bytes that the block of these fields, [name, value, ...], has at most. */
export function sizeBound(fields: readonly string[]): number {
  let bytes = UPDATES_BOUND + (fields.length / 2) * FIELD_BOUND;
  for (const text of fields) bytes += text.length;
  return bytes;
}

/**
 * Strings are sent as they are, not Huffman-coded. Coding costs more time than it saves: it goes byte by byte in
 * JavaScript, where a raw string is one copy, and the receiver pays the same again. What repeats is in the table and
 * costs one byte either way.
 */
export class HpackEncoder {
  /**
   * Names that the next blocks must send never-indexed whatever the policy says, since they came so (RFC 7541 7.1.3,
   * HpackDecoder.neverIndexed). Empty nearly always.
   */
  neverIndexed: readonly string[] = NONE;
  private readonly table: DynamicTable;
  private readonly cap: number;
  private readonly cursor: Cursor = { bytes: NOTHING, at: 0, end: 0 };
  /** The known names that were sent, and those in the table: bounded by both. */
  private readonly names = new Map<string, NameState>();
  /** Table size to announce with the next block, and the smallest one on the way there; -1 where there is none. */
  private nextSize = -1;
  private smallestSize = -1;

  /** `maxTableSize`: bytes that we want to spend on the table at most, whatever the peer offers. */
  constructor({ maxTableSize = INITIAL_SIZE }: { maxTableSize?: number } = {}) {
    this.cap = maxTableSize;
    this.table = new DynamicTable(INITIAL_SIZE);
    if (maxTableSize < INITIAL_SIZE) this.setPeerTableSize(INITIAL_SIZE);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; the next block begins with the size updates that RFC 7541 4.2 demands. */
  setPeerTableSize(size: number): void {
    const next = Math.min(size, this.cap);
    if (this.nextSize < 0 && next === this.table.maxSize) return;
    this.smallestSize = this.nextSize < 0 ? next : Math.min(this.smallestSize, next);
    this.nextSize = next;
  }

  /**
   * Writes the block of the fields, [name, value, ...] in Latin-1 with names in lower case, at `at` of `out`. Returns
   * the offset after it; -1, and nothing is changed, where `out` has less than sizeBound(fields) left.
   */
  encode(fields: readonly string[], out: Buffer, at: number): number {
    if (out.length - at < sizeBound(fields)) return -1;
    const { cursor } = this;
    cursor.bytes = out;
    cursor.at = at;
    if (this.nextSize >= 0) this.writeSizeUpdates();
    const marked = this.neverIndexed.length > 0;
    const all = this.neverIndexed.length > MANY_SECRETS;
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index]!;
      const state = this.names.get(name) ?? this.meet(name);
      if (marked && (all || this.neverIndexed.includes(name))) {
        this.writeLiteral(NEVER_INDEXED, state, fields[index + 1]!);
      } else this.writeField(state, fields[index + 1]!);
    }
    cursor.bytes = NOTHING;
    return cursor.at;
  }

  private writeSizeUpdates(): void {
    if (this.smallestSize < this.nextSize) this.resize(this.smallestSize);
    this.resize(this.nextSize);
    this.nextSize = -1;
  }

  private resize(size: number): void {
    writeInteger(this.cursor, SIZE_UPDATE, size);
    this.table.maxSize = size;
    this.makeRoom(size);
  }

  private writeField(state: NameState, value: string): void {
    const staticIndex = state.staticIndexOf(value);
    if (staticIndex > 0) return writeInteger(this.cursor, INDEXED, staticIndex);
    if (state.isSecret(value)) return this.writeLiteral(NEVER_INDEXED, state, value);
    const number = state.numberOf(value);
    if (number >= 0) return writeInteger(this.cursor, INDEXED, this.indexOf(number));
    const size = state.name.length + value.length + OVERHEAD;
    if (size > this.table.maxSize * LARGEST_SHARE || !state.worthIndexing(value)) {
      return this.writeLiteral(WITHOUT_INDEXING, state, value);
    }
    // before room is made for it: the entry that gives the name may be the one that goes
    this.writeLiteral(WITH_INDEXING, state, value);
    this.makeRoom(this.table.maxSize - size);
    state.hold(value, this.table.added);
    this.names.set(state.name, state);
    this.table.add(state.name, value);
  }

  private writeLiteral(prefix: Prefix, state: NameState, value: string): void {
    const index = state.staticIndex > 0 || state.held === 0 ? state.staticIndex : this.indexOf(state.newest);
    writeInteger(this.cursor, prefix, index);
    if (index === 0) this.writeString(state.name);
    this.writeString(value);
  }

  private writeString(text: string): void {
    const { cursor } = this;
    writeInteger(cursor, RAW_STRING, text.length);
    cursor.at = writeLatin1(text, cursor.bytes, cursor.at);
  }

  /** HPACK index of an entry of the dynamic table. */
  private indexOf(number: number): number {
    return STATIC_COUNT + this.table.added - number;
  }

  /** State of a name that is not in the map; it stays only where its number is bounded. */
  private meet(name: string): NameState {
    const state = new NameState(name);
    if (KNOWN_NAMES.has(name)) this.names.set(name, state);
    return state;
  }

  private makeRoom(size: number): void {
    const { table } = this;
    while (table.size > size && table.count > 0) {
      const number = table.oldest;
      const name = table.nameOf(number);
      const state = this.names.get(name)!;
      state.release(table.valueOf(number), number);
      if (state.held === 0 && !KNOWN_NAMES.has(name)) this.names.delete(name);
      table.evictOldest();
    }
  }
}
