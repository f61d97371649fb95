import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files run in the order of their names, not by what failed or how long they took last time. */
export class ByName extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1)));
  }
}
