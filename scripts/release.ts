/**
 * Makes a release: docs/releasing.md says how.
 *
 *   node scripts/release.ts --prepare   renews what a release freezes: the baseline of the API and the checksums
 *   node scripts/release.ts --check     prints everything that stands against a release of the version in package.json
 *   node scripts/release.ts             checks, makes the package, and tags the commit
 *   node scripts/release.ts --look      checks what takes no longer than a look (no make check)
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sectionOf } from './release/changelog.ts';
import { freeze } from './release/frozen.ts';
import { renewBaseline } from './release/proto-baseline.ts';
import { releaseProblems } from './release/release-problems.ts';
import { git, runTool } from './release/run-tool.ts';

const root = dirname(import.meta.dirname);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

function prepare(): void {
  if (git(root, 'tag', '--list', `v${version}`) !== '')
    throw new Error(`v${version} is released: nothing of it changes`);
  renewBaseline(root);
  freeze(root, version);
  console.log(
    `the baseline of the API and the checksums are those of ${version}: look at git diff, and commit them`,
  );
}

function check(steps: readonly string[]): readonly string[] {
  const problems = [...releaseProblems(root, version, new Date().toISOString().slice(0, 10))];
  for (const step of steps) {
    console.log(`make ${step} …`);
    const { status, text } = runTool(root, 'make', step);
    if (status !== 0) problems.push(`make ${step} fails:\n${text.split('\n').slice(-20).join('\n')}`);
  }
  return problems;
}

function release(): void {
  const made = runTool(root, 'make', 'package');
  if (made.status !== 0) throw new Error(`make package failed:\n${made.text}`);
  const notes = sectionOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version) ?? '';
  const tags = tagsOf(version);
  for (const tag of tags) {
    const message = `callhooks ${version}\n\n${notes}`;
    // A line of the changelog may begin with #, which is no comment here.
    git(root, 'tag', '--annotate', '--cleanup=whitespace', '--message', message, tag);
  }
  console.log(made.text);
  for (const file of readdirSync(join(root, 'build')).toSorted()) console.log(`  build/${file}`);
  console.log(`tagged ${tags.join(' and ')}. Nothing was published: git push origin main ${tags.join(' ')}`);
}

/**
 * Returns the tags of a release: its own, and that of the Go module in gen/go. Go wants another path for a module from
 * version 2 on, and this path is that of the API, which is v1. So from 2.0.0 on the module gets versions of its own.
 */
function tagsOf(version: string): readonly string[] {
  return /^[01]\./.test(version) ? [`v${version}`, `gen/go/v${version}`] : [`v${version}`];
}

/** Prints what npm puts into the package, by folders. */
function listPackage(): void {
  const packed = runTool(root, 'npm', 'pack', '--dry-run', '--json', '--ignore-scripts');
  const [{ files }] = JSON.parse(String(packed.stdout)) as [
    { files: readonly { path: string; size: number }[] },
  ];
  const folders = new Map<string, { count: number; bytes: number }>();
  for (const { path, size } of files) {
    const folder = path.includes('/') ? path.split('/').slice(0, 2).join('/') : path;
    const { count, bytes } = folders.get(folder) ?? { count: 0, bytes: 0 };
    folders.set(folder, { count: count + 1, bytes: bytes + size });
  }
  console.log(`the package holds ${files.length} files, and its dependencies:`);
  for (const [folder, { count, bytes }] of folders)
    console.log(`  ${folder} (${count === 1 ? '' : `${count} files, `}${Math.ceil(bytes / 1024)} KiB)`);
}

const mode = process.argv[2] ?? '';
if (mode === '--prepare') prepare();
else {
  const problems = check(mode === '--look' ? [] : ['check', 'test-unit']);
  if (mode !== '--look') listPackage();
  for (const problem of problems) console.error(`- ${problem}`);
  if (problems.length > 0) {
    console.error(`callhooks ${version} can't be released: ${problems.length} problems`);
    process.exitCode = 1;
  } else if (mode === '') release();
  else console.log(`callhooks ${version} can be released`);
}
