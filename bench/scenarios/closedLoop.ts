/** A case in which each connection or stream sends its next request when the answer is there. */
import type { BenchContext } from '../context.ts';
import type { Load } from '../load/wrk.ts';
import type { Contender } from '../peers/contenders.ts';
import type { Case } from '../report/case.ts';
import { compare, measured } from './rounds.ts';

const WARM_UP_SECONDS = 1;

export interface ClosedLoop extends Omit<Case, 'results'> {
  contenders: readonly Contender[];
  load: (contender: Contender, seconds: number) => Promise<Load>;
}

export async function closedLoop(context: BenchContext, options: ClosedLoop): Promise<Case> {
  const { contenders, load, ...rest } = options;
  const { rounds, seconds } = context.options;
  const results = await compare(context, contenders, {
    what: `${rest.scenario} ${rest.key}`,
    rounds,
    warmUp: (contender) => load(contender, WARM_UP_SECONDS),
    measure: (contender) => measured(contender, () => load(contender, seconds)),
  });
  return { ...rest, results };
}
