import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Closes a run with what failed, a line each, and the plain line `N passed, N failed` that scripts and people can rely
 * on: whoever sees only the end of a long log sees what to look at.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const module of modules) {
      // a file that fails to load has no tests of its own, but must not look like success
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) {
        failed += 1;
        tell(module.moduleId, 'the file', module.errors());
      }
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') {
          failed += 1;
          tell(module.moduleId, test.fullName, errors);
        }
      }
    }
    if (passed + failed === 0) {
      failed = 1;
      process.stdout.write('no test ran\n');
      process.exitCode = 1;
    }
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }
}

const FIRST_CHARACTERS = 300;

function tell(file: string, name: string, errors: readonly { message: string }[] | undefined): void {
  const message = (errors?.[0]?.message ?? '').replace(/\s+/g, ' ').slice(0, FIRST_CHARACTERS);
  process.stdout.write(`failed: ${relative(process.cwd(), file)} > ${name}: ${message}\n`);
}
