import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..', '..', '..');

const REFUSED: [title: string, path: string, source: string, rule: string][] = [
  ['a forgotten promise', 'src/domain/a.ts', 'Promise.resolve(1);', 'no-floating-promises'],
  [
    'a promise as a condition',
    'src/domain/b.ts',
    'if (Promise.resolve(1)) Date.now();',
    'no-misused-promises',
  ],
  ['a promise as a callback', 'src/domain/c.ts', '[1].forEach(async (a) => a);', 'no-misused-promises'],
  [
    'a union with a case left out',
    'src/domain/d.ts',
    "declare const x: 'a' | 'b';\nswitch (x) {\n  case 'a':\n    Date.now();\n}",
    'switch-exhaustiveness-check',
  ],
  ['any', 'src/domain/e.ts', 'export const a = (b: any): any => b;', 'no-explicit-any'],
  ['the process in a room', 'src/domain/f.ts', 'export const a = process.env;', 'no-restricted-globals'],
  [
    'dns.lookup',
    'src/http/g.ts',
    "import dns from 'node:dns';\ndns.lookup('a', () => {});",
    'no-restricted-properties',
  ],
  ['a thrown text', 'src/domain/h.ts', "throw 'a';", 'only-throw-error'],
  ['printing', 'src/domain/i.ts', "console.log('a');", 'no-console'],
  ['a forgotten promise in a test', 'test/unit/j.ts', 'Promise.resolve(1);', 'no-floating-promises'],
];

const ALLOWED: [title: string, path: string, source: string][] = [
  ['the process in main', 'src/main.ts', 'export const a = process.env;'],
  ['the process in a test', 'test/unit/k.ts', "console.log(process.env['A']);"],
];

describe('the lint', function () {
  this.timeout(30_000); // starts a compiler
  let findings: { code: string; filename: string }[];

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'callhooks-lint-'));
    try {
      for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json'])
        await copyFile(join(ROOT, name), join(folder, name));
      await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
      for (const [, path, source] of [...REFUSED, ...ALLOWED]) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), `${source}\nexport const end = 0;\n`);
      }
      findings = await lint(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  for (const [title, path, , rule] of REFUSED) {
    it(`refuses ${title}`, () => {
      const codes = findings.filter(({ filename }) => filename === path).map(({ code }) => code);
      expect(codes.join()).to.contain(`(${rule})`);
    });
  }

  for (const [title, path] of ALLOWED) {
    it(`allows ${title}`, () => {
      expect(findings.filter(({ filename }) => filename === path)).to.deep.equal([]);
    });
  }
});

function lint(folder: string): Promise<ReturnType<typeof findingsOf>> {
  const program = join(ROOT, 'node_modules', '.bin', 'oxlint');
  return new Promise((resolve, reject) => {
    // It ends with 1 when it finds something; only its output tells.
    execFile(
      program,
      ['--type-aware', '--format=json', 'src', 'test'],
      { cwd: folder, timeout: 20_000 },
      (error, stdout, stderr) => {
        try {
          resolve(findingsOf(stdout));
        } catch {
          reject(new Error(`oxlint: ${stderr || stdout}`, { cause: error }));
        }
      },
    );
  });
}

const findingsOf = (json: string) =>
  (JSON.parse(json) as { diagnostics: { code: string; filename: string }[] }).diagnostics;
