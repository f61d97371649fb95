/**
 * The search: mutate a known input, run it, keep it where it reaches something new. All choices come from one seeded
 * generator, so the same seed makes the same inputs in the same order.
 */
import type { Coverage } from './coverage.ts';
import { Growth } from './growth.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';
import { bytesOf, type Target } from './target.ts';

export interface Finding {
  kind: 'crash' | 'slow' | 'growth';
  message: string;
  input: Buffer;
}

export interface FuzzerOptions {
  target: Target;
  coverage: Coverage;
  seed: number;
  /** Inputs of earlier runs. */
  corpus: readonly Buffer[];
  /** Told before each run, so that a hang can be named. */
  running(input: Buffer): void;
  /** Told of each input that reaches something new. */
  kept(input: Buffer): void;
  garbageCollect(): void;
}

interface Known {
  input: Buffer;
  /** How often it was chosen, and how many new inputs came of it. */
  chosen: number;
  children: number;
}

/** Runs between two looks at the heap. */
const RUNS_PER_LOOK = 5_000;

export class Fuzzer {
  runs = 0;
  private readonly options: FuzzerOptions;
  private readonly known: Known[] = [];
  private readonly random: Random;
  private readonly dictionary: readonly Buffer[];
  private readonly maxBytes: number;
  private readonly slowMs: number;
  private readonly growth: Growth;

  constructor(options: FuzzerOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    const { dictionary, maxBytes = 8192, slowMs = 200 } = options.target;
    this.dictionary = dictionary.length > 0 ? dictionary.map(bytesOf) : [Buffer.from([0])];
    this.maxBytes = maxBytes;
    this.slowMs = slowMs;
    this.growth = new Growth(options.garbageCollect);
  }

  get corpusSize(): number {
    return this.known.length;
  }

  /** Runs seeds and earlier inputs: those that reach nothing of their own are not kept. */
  begin(): Finding | undefined {
    const { target, corpus } = this.options;
    // shortest first, so that a long input is kept only for what no shorter one reaches
    const inputs = [...target.seeds.map(bytesOf), ...corpus].sort((one, two) => one.length - two.length);
    for (const input of inputs) {
      const finding = this.run(input);
      if (finding) return finding;
    }
    if (this.known.length === 0) this.known.push({ input: Buffer.alloc(0), chosen: 0, children: 0 });
    return undefined;
  }

  /** Goes on until `until` (performance.now()), or until something is found. */
  search(until: number): Finding | undefined {
    while (performance.now() < until) {
      // the clock is asked rarely: most runs take microseconds
      for (let left = 64; left > 0; left--) {
        const finding = this.step();
        if (finding) return finding;
      }
    }
    return undefined;
  }

  private step(): Finding | undefined {
    const parent = this.choose();
    parent.chosen++;
    const before = this.known.length;
    const input = mutate(parent.input, {
      random: this.random,
      dictionary: this.dictionary,
      maxBytes: this.maxBytes,
      other: () => this.random.pick(this.known).input,
    });
    const finding = this.run(input);
    if (finding) return finding;
    if (this.known.length > before) parent.children++;
    return this.runs % RUNS_PER_LOOK === 0 ? this.look(input) : undefined;
  }

  /** The best of three: inputs that were fruitful or have hardly been tried, new ones before old ones. */
  private choose(): Known {
    let best = this.random.pick(this.known);
    for (let tries = 0; tries < 2; tries++) {
      const recent = this.known.length - 1 - this.random.below(Math.min(this.known.length, 32));
      const other = tries === 0 ? this.known[recent]! : this.random.pick(this.known);
      if (energy(other) > energy(best)) best = other;
    }
    return best;
  }

  private run(input: Buffer): Finding | undefined {
    const { coverage, target, running, kept } = this.options;
    running(input);
    coverage.reset();
    this.runs++;
    const startedAt = performance.now();
    try {
      target.run(input);
    } catch (error) {
      return {
        kind: 'crash',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
        input,
      };
    }
    const tookMs = performance.now() - startedAt;
    if (coverage.takeNew()) {
      const copy = Buffer.from(input);
      this.known.push({ input: copy, chosen: 0, children: 0 });
      kept(copy);
    }
    if (tookMs > this.slowMs && this.stillSlow(input)) {
      return { kind: 'slow', message: `${input.length} bytes take more than ${this.slowMs} ms`, input };
    }
    return undefined;
  }

  /** Another process may have had the processor: only an input that is slow each time is. */
  private stillSlow(input: Buffer): boolean {
    for (let tries = 0; tries < 4; tries++) {
      const startedAt = performance.now();
      this.options.target.run(input);
      if (performance.now() - startedAt <= this.slowMs) return false;
    }
    return true;
  }

  private look(input: Buffer): Finding | undefined {
    const corpusBytes = this.known.reduce((sum, { input: bytes }) => sum + bytes.length + 256, 0);
    const message = this.growth.look(corpusBytes);
    return message === undefined ? undefined : { kind: 'growth', message, input };
  }
}

const energy = ({ chosen, children, input }: Known) =>
  (1 + children * 4) / (1 + chosen / 16) / (1 + input.length / 1024);
