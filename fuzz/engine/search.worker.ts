/** One search, in a thread of its own so that its watchdog can end it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.ts';
import { Fuzzer, type Finding } from './fuzzer.ts';
import { instrument } from './instrument.ts';
import { SharedInput } from './shared.ts';
import type { Target } from './target.ts';

export interface SearchOrder {
  /** URL of the target's module. */
  file: string;
  seconds: number;
  seed: number;
  corpus: Uint8Array[];
  memory: SharedArrayBuffer;
}

export interface SearchResult {
  finding: (Omit<Finding, 'input'> & { input: Uint8Array }) | undefined;
  runs: number;
  corpus: number;
  reached: number;
  branches: number;
}

/** New inputs come as messages of their own, while the search goes on. */
export type SearchMessage = { kept: Uint8Array } | { result: SearchResult };

const order = workerData as SearchOrder;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is of windows, and this is a thread
const tell = (message: SearchMessage) => parentPort!.postMessage(message);

setFlagsFromString('--expose-gc');
const garbageCollect = runInNewContext('gc') as () => void;

const coverage = new Coverage();
instrument(coverage);
const { target } = (await import(order.file)) as { target: Target };
const shared = new SharedInput(order.memory);
const fuzzer = new Fuzzer({
  target,
  coverage,
  seed: order.seed,
  corpus: order.corpus.map((bytes) => Buffer.from(bytes)),
  running: (input) => shared.begin(input),
  kept: (input) => tell({ kept: new Uint8Array(input) }),
  garbageCollect,
});
const until = performance.now() + order.seconds * 1000;
const finding = fuzzer.begin() ?? fuzzer.search(until);
tell({
  result: {
    finding: finding && { ...finding, input: new Uint8Array(finding.input) },
    runs: fuzzer.runs,
    corpus: fuzzer.corpusSize,
    reached: coverage.reached,
    branches: coverage.branches,
  },
});
