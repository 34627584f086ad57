/**
 * Words, names and leftovers that don't belong into the project; the table says why. Looks at every file that git
 * knows or would add.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

interface Rule {
  /** Which files; all, where absent. */
  readonly files?: RegExp;
  readonly pattern: RegExp;
  readonly why: string;
}

const CODE = /^(src\/(?!gen\/)|migrations\/|scripts\/|test\/|bench\/).*\.ts$/;
const SOURCE = /^(src\/(?!gen\/)|migrations\/).*\.ts$/;

const MIGRATION = /^migrations\/\d{4}_[a-z_]+(?=\.ts$)/;

/** Looked for in each line. */
export const WORDS: readonly Rule[] = [
  { pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/, why: 'do it, or open an issue' },
  { pattern: /^(?:<{7}|>{7}) /, why: 'a merge was left half-way' },
  { pattern: /(?<![\w.$~/-])\/(?:root|home|Users|work|workspace)\/\w/, why: 'a path of one machine' },
  {
    files: /(^|\/)package-lock\.json$/,
    pattern: /"resolved":/,
    why: 'the lockfile must not bind to one registry',
  },
  { files: CODE, pattern: /(?:oxlint|eslint)-disable(?!.* -- \S)/, why: 'say the reason: -- because …' },
  { files: CODE, pattern: /@ts-(?:ignore|nocheck)/, why: 'use @ts-expect-error with its reason' },
  { files: CODE, pattern: /\b(?:describe|it)\.only\(|\bdebugger;/, why: 'left from debugging' },
  { files: SOURCE, pattern: /\brejectUnauthorized:\s*false/, why: 'certificates are always checked' },
];

/** Looked for in the path: names that say nothing, so that everything ends up there. */
export const NAMES: readonly Rule[] = [
  {
    files: CODE,
    pattern: /(^|\/)(?:utils?|helpers?|common|misc|managers?|lib)(\.ts$|\/)/,
    why: 'name it after what it does',
  },
  { files: CODE, pattern: /[A-Z_]/, why: 'files are named in kebab-case' },
];

/** What is wrong with one file. */
export function checkWords(path: string, text: string): string[] {
  const applies = (rule: Rule) => rule.files === undefined || rule.files.test(path);
  const name = path.replace(MIGRATION, 'migrations/');
  const names = NAMES.filter((rule) => applies(rule) && rule.pattern.test(name)).map(
    (rule) => `${path}: ${rule.why}`,
  );
  const rules = WORDS.filter(applies);
  const words = text
    .split('\n')
    .flatMap((line, index) =>
      rules
        .filter((rule) => rule.pattern.test(line))
        .map((rule) => `${path}:${index + 1}: ${rule.pattern.exec(line)?.[0]}: ${rule.why}`),
    );
  return [...names, ...words];
}

// These hold the words on purpose.
const EXEMPT = new Set(['check-words.ts', 'words.test.ts']);

function main(): number {
  const root = dirname(import.meta.dirname);
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
  });
  const paths = list
    .toString()
    .split('\0')
    .filter((path) => path !== '' && !EXEMPT.has(basename(path)));
  const present = paths.filter((path) => existsSync(join(root, path)) && !path.endsWith('.binpb'));
  const problems = present.flatMap((path) => checkWords(path, readFileSync(join(root, path), 'utf8')));
  for (const problem of problems) console.error(problem);
  console.error(`words: ${present.length} files, ${problems.length} problems`);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main();
