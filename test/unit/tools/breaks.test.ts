import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { BREAKS, breakText } from '../../tools/breaks.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface DryRun {
  readonly tests: readonly { readonly file: string; readonly fullTitle: string }[];
}

/** Returns the tests of the fault suite without running them. */
function faultTests(): DryRun['tests'] {
  const args = ['--dry-run', '--reporter=json', 'test/faults/*.test.ts'];
  const program = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const { stdout } = spawnSync(process.execPath, [program, ...args], { cwd: ROOT, encoding: 'utf8' });
  return (JSON.parse(stdout) as DryRun).tests;
}

describe('each break of the engine', function () {
  this.timeout(20_000); // loads the fault suite
  let tests: DryRun['tests'];
  before(() => {
    tests = faultTests();
  });

  for (const broken of BREAKS) {
    it(`changes the code: ${broken.title}`, () => {
      const text = readFileSync(join(ROOT, broken.file), 'utf8');
      expect(breakText(text, broken)).to.not.equal(text);
    });

    it(`has a test that may notice: ${broken.title}`, function () {
      // Without a MariaDB on this machine most of the fault suite does not exist.
      if (!tests.some(({ fullTitle }) => fullTitle.includes('(mariadb)'))) return;
      const inFamily = tests.filter(({ file }) => file.endsWith(`/${broken.family}.test.ts`));
      const titles = inFamily.map(({ fullTitle }) => fullTitle);
      expect(
        titles.filter((title) => title.includes(broken.grep ?? '')),
        titles.join('\n'),
      ).to.not.be.empty;
    });
  }

  it('is refused when its text does not stand in the file exactly once', () => {
    const broken = { title: 'a', file: 'b.ts', changes: [['x', 'y']], family: 'c' } as const;
    expect(breakText('x', broken)).to.equal('y');
    expect(() => breakText('x x', broken)).to.throw('found 2 times');
    expect(() => breakText('z', broken)).to.throw('found 0 times');
  });
});
