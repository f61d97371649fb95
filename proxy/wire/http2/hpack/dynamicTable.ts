/**
 * The dynamic table, RFC 7541 2.3.2 and 4: a queue of fields, as a ring so that neither adding nor evicting moves
 * anything. Both directions use it: what one side's encoder holds, the other side's decoder must hold as well.
 */

/** What an entry costs beside its bytes, RFC 7541 4.1. */
export const OVERHEAD = 32;
/** The size that both sides begin with, RFC 9113 6.5.2. */
export const INITIAL_SIZE = 4096;

export class DynamicTable {
  /** Entries ever added: an entry's number, which stays, is how many were added before it. */
  added = 0;
  /** Entries held. */
  count = 0;
  /** Bytes held, OVERHEAD included. */
  size = 0;
  /** Bytes that may be held. */
  maxSize: number;
  private names: string[] = [];
  private values: string[] = [];
  /** Slots of the ring less one; the slots are a power of two. */
  private mask = -1;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  /** Of the entry with this number, which must be held. */
  nameOf(number: number): string {
    return this.names[number & this.mask]!;
  }

  valueOf(number: number): string {
    return this.values[number & this.mask]!;
  }

  /** Number of the entry that goes next. */
  get oldest(): number {
    return this.added - this.count;
  }

  /** Adds an entry for which there is room. */
  add(name: string, value: string): void {
    if (this.count > this.mask) this.grow();
    const slot = this.added & this.mask;
    this.names[slot] = name;
    this.values[slot] = value;
    this.added += 1;
    this.count += 1;
    this.size += name.length + value.length + OVERHEAD;
  }

  evictOldest(): void {
    const slot = this.oldest & this.mask;
    this.size -= this.names[slot]!.length + this.values[slot]!.length + OVERHEAD;
    this.count -= 1;
    // or the strings would live until the slot is used again
    this.names[slot] = '';
    this.values[slot] = '';
  }

  /** Evicts until `size` bytes are left at most. */
  evictTo(size: number): void {
    while (this.size > size && this.count > 0) this.evictOldest();
  }

  /** Doubles the ring; at most maxSize / OVERHEAD entries can ever be held, so this ends. */
  private grow(): void {
    const slots = Math.max(32, (this.mask + 1) * 2);
    const names = Array.from({ length: slots }, () => '');
    const values = Array.from({ length: slots }, () => '');
    for (let number = this.oldest; number < this.added; number += 1) {
      names[number & (slots - 1)] = this.nameOf(number);
      values[number & (slots - 1)] = this.valueOf(number);
    }
    this.names = names;
    this.values = values;
    this.mask = slots - 1;
  }
}
