/** A case in which each connection or stream sends its next request when the answer is there. */
import { wanted, type BenchContext } from '../context.ts';
import type { Load } from '../load/wrk.ts';
import type { Contender } from '../peers/contenders.ts';
import type { Case } from '../report/case.ts';
import { compare, measured } from './rounds.ts';

/** What runs for days is measured, not the compiler that makes it fast: a proxy's first case comes after these. */
const WARM_UP_REQUESTS = 50_000;
const WARM_UP_RUNS = 5;
const warm = new WeakSet<Contender>();

/** Runs of a second. One is enough for a contender that was measured before. */
async function warmUp(contender: Contender, { load, warming = load }: ClosedLoop): Promise<Load> {
  const first = await load(contender, 1);
  let { requests } = first;
  for (let run = 1; run < WARM_UP_RUNS && requests < WARM_UP_REQUESTS && !warm.has(contender); run += 1) {
    const next = await warming(contender, 1);
    // it answers nothing: waiting does not help
    if (next.requests === 0) break;
    requests += next.requests;
  }
  warm.add(contender);
  return first;
}

export interface ClosedLoop extends Omit<Case, 'results'> {
  contenders: readonly Contender[];
  load: (contender: Contender, seconds: number) => Promise<Load>;
  /** What warms a contender up where `load` itself makes few requests. */
  warming?: (contender: Contender, seconds: number) => Promise<Load>;
}

export async function closedLoop(context: BenchContext, options: ClosedLoop): Promise<Case | undefined> {
  if (!wanted(context, options.key)) return undefined;
  const { contenders, load, scenario, key, title, columns, comparisons } = options;
  const { rounds, seconds } = context.options;
  const results = await compare(context, contenders, {
    what: `${scenario} ${key}`,
    rounds,
    warmUp: (contender) => warmUp(contender, options),
    measure: (contender) => measured(contender, () => load(contender, seconds)),
  });
  return { scenario, key, title, columns, comparisons, results };
}
