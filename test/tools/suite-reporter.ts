import { appendFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import Mocha from 'mocha';

/**
 * Reports as Mocha's `spec` does, and appends one line of JSON for each suite (a folder of test/) to the file that
 * TEST_RESULTS names: `{"suite":"unit","passed":12,"failed":0}`. On another engine than the usual ones its name says so
 * (`mysql-store`). A run that dies writes none.
 */
export default class SuiteReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env['TEST_RESULTS'];
    if (file === undefined) return;
    const suites = new Map<string, { passed: number; failed: number }>();
    const count = (test: Mocha.Runnable, outcome: 'passed' | 'failed') => {
      const suite = suiteOf(test);
      const counts = suites.get(suite) ?? { passed: 0, failed: 0 };
      counts[outcome] += 1;
      suites.set(suite, counts);
    };
    runner.on(Mocha.Runner.constants.EVENT_TEST_PASS, (test) => count(test, 'passed'));
    // Mocha reports a hook that fails in the same way.
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test) => count(test, 'failed'));
    runner.on(Mocha.Runner.constants.EVENT_RUN_END, () => {
      for (const [suite, counts] of suites) appendFileSync(file, `${JSON.stringify({ suite, ...counts })}\n`);
    });
  }
}

/** Returns the name of the folder of test/ in which a test lies. */
function suiteOf(test: Mocha.Runnable): string {
  const path = relative(`${process.cwd()}${sep}test`, test.file ?? '');
  const folder = path.split(sep)[0] ?? path;
  const engine = process.env['TEST_ENGINE'];
  return engine === undefined ? folder : `${engine}-${folder}`;
}
