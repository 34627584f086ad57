import { expect } from 'chai';
import { lintFiles, type Finding } from './lint-files.ts';

const REFUSED: [title: string, path: string, source: string, rule: string][] = [
  ['a promise that nobody awaits', 'src/domain/a.ts', 'Promise.resolve(1);', 'no-floating-promises'],
  ['such a promise in a test', 'test/unit/a.ts', 'Promise.resolve(1);', 'no-floating-promises'],
  [
    'a promise as a condition',
    'src/domain/b.ts',
    'if (Promise.resolve(1)) Date.now();',
    'no-misused-promises',
  ],
  ['a promise as a callback', 'src/domain/c.ts', '[1].forEach(async (a) => a);', 'no-misused-promises'],
  [
    'a switch that leaves out a case of a union',
    'src/domain/d.ts',
    "declare const x: 'a' | 'b';\nswitch (x) {\n  case 'a':\n    Date.now();\n}",
    'switch-exhaustiveness-check',
  ],
  ['any', 'src/domain/e.ts', 'export const a = (b: any): any => b;', 'no-explicit-any'],
  [
    'the process outside main.ts',
    'src/domain/f.ts',
    'export const a = process.env;',
    'no-restricted-globals',
  ],
  [
    'dns.lookup',
    'src/http/g.ts',
    "import dns from 'node:dns';\ndns.lookup('a', () => {});",
    'no-restricted-properties',
  ],
  ['a thrown string', 'src/domain/h.ts', "throw 'a';", 'only-throw-error'],
  ['output on the console', 'src/domain/i.ts', "console.log('a');", 'no-console'],
  ['require', 'src/store/j.ts', "export const a = require('knex');", 'no-require-imports'],
  [
    'an import inside a type',
    'src/domain/k.ts',
    "export type A = import('../store/a.ts').A;",
    'consistent-type-imports',
  ],
  ['a comment that puts work off', 'src/domain/l.ts', '// TODO: more', 'no-warning-comments'],
  ['such a comment in a test', 'test/unit/l.ts', '/* This is a hack. */', 'no-warning-comments'],
  ['types switched off', 'test/unit/m.ts', '// @ts-ignore', 'ban-ts-comment'],
  ['@ts-expect-error without a reason', 'src/domain/n.ts', '// @ts-expect-error', 'ban-ts-comment'],
  ['a breakpoint', 'src/domain/o.ts', 'debugger;', 'no-debugger'],
  ['all rules switched off', 'src/domain/p.ts', '/* oxlint-disable */', 'no-abusive-eslint-disable'],
  ['a file name in camel case', 'src/domain/renderRequest.ts', '', 'filename-case'],
  ['a file name in snake case', 'src/domain/render_request.ts', '', 'filename-case'],
  ['a file of more than 300 lines', 'src/domain/q.ts', '\n'.repeat(300), 'max-lines'],
];

const ALLOWED: [title: string, path: string, source: string][] = [
  ['the process in main.ts', 'src/main.ts', 'export const a = process.env;'],
  ['output on the console in a test', 'test/unit/r.ts', "console.log(process.env['A']);"],
  ['a number before the name of a migration', 'migrations/0001_agents.ts', ''],
  ['words that only contain such a word', 'src/domain/s.ts', '// Shackles at a hackathon.'],
];

describe('oxlint', function () {
  this.timeout(30_000); // starts a compiler
  let findings: Finding[];

  before(async () => {
    findings = await lintFiles([...REFUSED, ...ALLOWED].map(([, path, source]) => [path, source] as const));
  });

  for (const [title, path, , rule] of REFUSED) {
    it(`refuses ${title}`, () => {
      const rules = findings.filter((finding) => finding.path === path).map((finding) => finding.rule);
      expect(rules.join()).to.contain(`(${rule})`);
    });
  }

  for (const [title, path] of ALLOWED) {
    it(`allows ${title}`, () => {
      expect(findings.filter((finding) => finding.path === path)).to.deep.equal([]);
    });
  }
});
