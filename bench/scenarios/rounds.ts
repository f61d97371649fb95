/** Interleaved rounds: a slow moment of the machine meets every contender. */
import type { BenchContext } from '../context.ts';
import type { Load } from '../load/wrk.ts';
import { processesOf, type Contender } from '../peers/contenders.ts';
import type { Round } from '../report/statistics.ts';

/** Starts each; one that cannot start is a problem of the run, and the others go on without it. */
export async function startAll(
  context: BenchContext,
  what: string,
  starts: readonly (() => Promise<Contender>)[],
): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const begin of starts) {
    try {
      contenders.push(await begin());
    } catch (error) {
      context.problems.push(`${what}: ${(error as Error).message}`);
    }
  }
  return contenders;
}

const MIB = 1024;

/** CPU of the contender's processes for each request, and what the generator saw. */
export async function measured(contender: Contender, load: () => Promise<Load>): Promise<Round> {
  const { client, server } = contender;
  const [clientBefore, serverBefore] = [client?.cpuUs() ?? 0, server.cpuUs()];
  const { requests, requestsPerSecond, p50Ms, p99Ms, errors } = await load();
  const each = Math.max(1, requests);
  const clientCpuUs = ((client?.cpuUs() ?? 0) - clientBefore) / each;
  const serverCpuUs = (server.cpuUs() - serverBefore) / each;
  const rssAnon = processesOf(contender).reduce((sum, started) => sum + started.memory().rssAnon, 0);
  return {
    cpuUs: clientCpuUs + serverCpuUs,
    clientCpuUs,
    serverCpuUs,
    perSecond: requestsPerSecond,
    p50Ms,
    p99Ms,
    rssAnonMiB: rssAnon / MIB,
    requests,
    errors,
  };
}

export interface Comparing {
  /** Of the case, for problems. */
  what: string;
  rounds: number;
  /** Before the first round; what does not answer here is left out. */
  warmUp: (contender: Contender) => Promise<Load>;
  measure: (contender: Contender) => Promise<Round>;
}

async function answering(
  context: BenchContext,
  contenders: readonly Contender[],
  { what, warmUp }: Comparing,
): Promise<Contender[]> {
  const answering: Contender[] = [];
  for (const contender of contenders) {
    const { requests, errors } = await warmUp(contender);
    if (requests - errors > 0) answering.push(contender);
    else context.problems.push(`${what}: ${contender.name} answered none of ${requests + errors} requests`);
  }
  return answering;
}

/** Share of the load that a proxy must have counted as requests, or it did not see them as such. */
const SEEN = 0.95;

export async function compare(
  context: BenchContext,
  contenders: readonly Contender[],
  comparing: Comparing,
): Promise<Map<string, Round[]>> {
  const { what, rounds, measure } = comparing;
  const running = await answering(context, contenders, comparing);
  const results = new Map<string, Round[]>(running.map(({ name }) => [name, []]));
  const before = new Map<Contender, number>();
  for (const contender of running) before.set(contender, (await contender.counted?.())?.requests ?? 0);
  for (let round = 0; round < rounds; round += 1) {
    // who comes first differs, so that nobody always runs after the same neighbour
    const first = round % Math.max(1, running.length);
    for (const contender of [...running.slice(first), ...running.slice(0, first)])
      results.get(contender.name)!.push(await measure(contender));
  }
  for (const contender of running) {
    const sum = (field: string) =>
      results.get(contender.name)!.reduce((all, round) => all + round[field]!, 0);
    if (sum('errors') > 0)
      context.problems.push(
        `${what}: ${contender.name} had ${sum('errors')} errors; its figures say nothing`,
      );
    const seen = ((await contender.counted?.())?.requests ?? Infinity) - before.get(contender)!;
    if (seen < sum('requests') * SEEN)
      context.problems.push(
        `${what}: ${contender.name} counted ${seen} of ${sum('requests')} requests; the rest went by as bytes`,
      );
  }
  return results;
}
