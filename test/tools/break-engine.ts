/**
 * Shows that the fault suite can fail. Breaks the rules of breaks.ts in a copy of the project, one at a time, runs the
 * tests that should notice, and expects them to go red. Ends with 1 if they pass on a broken engine.
 *
 *   node test/tools/break-engine.ts [part of a title]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BREAKS, breakText, type Break } from './breaks.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const COPIED = ['src', 'test', 'migrations', 'scripts', 'proto', 'package.json', '.mocharc.json'];
const LINKED = ['node_modules', '.cache'];

interface Result {
  readonly isGreen: boolean;
  /** The beginning of the list of failures that was printed. */
  readonly failures: string | undefined;
}

function runFamily(folder: string, { title, family, grep }: Break): Result {
  const args = ['node_modules/mocha/bin/mocha.js', `test/faults/${family}.test.ts`, '--bail'];
  if (grep !== undefined) args.push('--fgrep', grep);
  // With QUIET, rules about time decide: a break that only they show must not be missed on a busy machine.
  const env = { ...process.env, QUIET: '1' };
  const run = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env });
  // A copy that does not even load says nothing about the tests.
  if (!/ (?:passing|failing)/.test(run.stdout)) throw new Error(`${title}:\n${run.stdout}\n${run.stderr}`);
  return { isGreen: run.status === 0, failures: /\d+ failing\s+([\s\S]{0,600})/.exec(run.stdout)?.[1] };
}

function breakEngine(folder: string, broken: Break): void {
  const path = join(folder, broken.file);
  writeFileSync(path, breakText(readFileSync(path, 'utf8'), broken));
}

const seenGreen = new Set<string>();

/** Returns the failures that the tests reported on a broken engine, or undefined if they passed. */
function failuresOf(broken: Break): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-broken-'));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(folder, name));
    expectGreen(folder, broken);
    breakEngine(folder, broken);
    const { isGreen, failures } = runFamily(folder, broken);
    return isGreen ? undefined : failures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Throws when the tests of a break are red before anything is broken: such tests would notice nothing. */
function expectGreen(folder: string, broken: Break): void {
  const tests = `${broken.family} ${broken.grep ?? ''}`;
  if (seenGreen.has(tests)) return;
  const { isGreen, failures } = runFamily(folder, broken);
  if (!isGreen) throw new Error(`${broken.title}: ${tests} is red although nothing is broken:\n${failures}`);
  seenGreen.add(tests);
}

let unnoticed = 0;
for (const broken of BREAKS.filter(({ title }) => title.includes(process.argv[2] ?? ''))) {
  const failures = failuresOf(broken);
  if (failures === undefined) unnoticed += 1;
  console.log(`${failures === undefined ? 'NOT NOTICED' : 'red'}: ${broken.title} (${broken.family})`);
  if (failures !== undefined) console.log(`${failures.trim().replaceAll(/^/gm, '    ')}\n`);
}
console.log(
  unnoticed === 0 ? 'the tests noticed every break' : `the tests did not notice ${unnoticed} breaks`,
);
process.exitCode = unnoticed === 0 ? 0 : 1;
