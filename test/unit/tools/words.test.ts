/** What no file may hold, beside what oxlint refuses: it reads code only, and no comment on its own exemptions. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Rule {
  readonly title: string;
  /** The files in whose lines it is looked for; all where it is left out. */
  readonly files?: RegExp;
  readonly pattern: RegExp;
  readonly refused: readonly string[];
  readonly allowed?: readonly string[];
}

const CODE = /^(?!src\/gen\/).*\.ts$/;

const IN_LINES: readonly Rule[] = [
  {
    title: 'a note that puts work off',
    files: /(?<!\.ts|\.binpb)$/,
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/,
    refused: ['TODO: more'],
    allowed: ['TODOS'],
  },
  { title: 'half of a merge', pattern: /^(?:<{7}|>{7}) /, refused: [`${'<'.repeat(7)} HEAD`] },
  {
    title: 'a path of one machine',
    pattern: /(?<![\w.$~/-])\/(?:root|home|Users|work|workspace)\/\w/,
    refused: [['see ', 'home', 'me'].join('/')],
    allowed: ['https://example.com/home/page'],
  },
  {
    title: 'the address of a registry',
    files: /(^|\/)package-lock\.json$/,
    pattern: /"resolved":/,
    refused: ['"resolved": "x"'],
  },
  {
    title: 'a lint exemption without its reason',
    files: CODE,
    pattern: /\/[/*] *(?:oxlint|eslint)-disable(?!.* -- [^\s*])/,
    refused: ['// oxlint-disable-next-line no-console', '/* oxlint-disable no-console -- */'],
    allowed: ['// oxlint-disable-next-line no-console -- the only place that prints'],
  },
  {
    title: 'TLS without a check of the certificate',
    files: /^src\//,
    pattern: /\brejectUnauthorized:\s*false/,
    refused: ['{ rejectUnauthorized: false }'],
  },
  {
    // The rule about imports sees plain strings, and a path by its beginning.
    title: 'an import that lint cannot judge',
    files: /^(src|migrations)\/(?!gen\/).*\.ts$/,
    pattern: /\bimport\((?! *')|(?:\bfrom|\bimport|import\() *'\.\/.*\.\.\//,
    refused: ['import(`../store/a.ts`)', 'import(name)', "from './../store/a.ts'", "import './a/../../b.ts'"],
    allowed: ["await import('./app.ts')", "from '../../store/a.ts'"],
  },
];

const IN_PATHS: readonly Rule[] = [
  {
    title: 'a name that says nothing',
    pattern: /(^|\/)(?:utils?|helpers?|common|misc|managers?|lib|types)(\.ts$|\/)/,
    refused: ['src/domain/utils.ts', 'src/helpers/a.ts', 'src/store/types.ts'],
    allowed: ['src/domain/body-template.ts'],
  },
  {
    title: 'a folder that is not in kebab-case',
    pattern: /^(?:src|test|bench|scripts|examples|tools|docs)\/(?!gen\/)[^A-Z_]*[A-Z_][^/]*\//,
    refused: ['src/webhookRun/a.ts', 'src/webhook_run/a.ts'],
    allowed: ['src/webhook-run/a.ts', 'bench/README.md'],
  },
];

/** The paths of all files that git knows or would add. */
function filesOfProject(): string[] {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
  });
  return list
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

describe('the files of the project', () => {
  const paths = filesOfProject();
  // A picture has no lines.
  const texts = paths.filter((path) => !path.endsWith('.png'));
  const files = texts.map((path) => ({ path, lines: readFileSync(join(ROOT, path), 'utf8').split('\n') }));
  // These two hold samples of what is refused.
  const samples = /^test\/unit\/tools\/(?:words|lint)\.test\.ts$/;

  for (const { title, files: where = /^/, pattern } of IN_LINES) {
    it(`hold nowhere ${title}`, () => {
      const found = files
        .filter(({ path }) => where.test(path) && !samples.test(path))
        .flatMap(({ path, lines }) =>
          lines.flatMap((line, index) =>
            pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
          ),
        );
      expect(found).to.deep.equal([]);
    });
  }

  for (const { title, pattern } of IN_PATHS) {
    it(`have nowhere ${title}`, () => {
      expect(paths.filter((path) => pattern.test(path))).to.deep.equal([]);
    });
  }

  for (const { title, pattern, refused, allowed = [] } of [...IN_LINES, ...IN_PATHS]) {
    it(`are searched for ${title}, and for nothing else`, () => {
      expect(refused.filter((text) => !pattern.test(text))).to.deep.equal([]);
      expect(allowed.filter((text) => pattern.test(text))).to.deep.equal([]);
    });
  }
});
