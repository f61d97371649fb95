import type { BenchContext } from '../context.ts';
import type { Case, Note } from '../report/case.ts';

export interface Scenario {
  name: string;
  about: string;
  /** Gives each case when it is measured; undefined for one that is not wanted. Throws where nothing could be measured; the message is one line. */
  run(context: BenchContext): AsyncGenerator<Case | Note | undefined>;
}
