import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with the plain line `N passed, N failed` that scripts and people can rely on. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const module of modules) {
      // a file that fails to load has no tests of its own, but must not look like success
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
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
