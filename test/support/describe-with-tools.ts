/**
 * Describes a suite that needs programs of other projects. When one is missing, the suite is left out with a loud message;
 * under CI=true it fails instead.
 * @param missing the names of the programs that are not there
 * @param target the make target that installs them
 */
export function describeWithTools(
  { missing, target }: { missing: readonly string[]; target: string },
  title: string,
  suite: (this: Mocha.Suite) => void,
): void {
  if (missing.length === 0) {
    describe(title, suite);
  } else if (process.env['CI'] === 'true') {
    describe(title, () => {
      it(`needs ${missing.join(' and ')}`, () => {
        throw new Error(`missing: ${missing.join(', ')}; make ${target} installs them`);
      });
    });
  } else {
    console.error(`\n*** SKIPPED, ${missing.join(' and ')} missing: ${title} ***\n`);
  }
}
