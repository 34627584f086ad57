import { expect } from 'chai';
import { checkWords } from '../../../scripts/check-words.ts';

const REFUSED: [title: string, path: string, text: string, complaint: string][] = [
  ['an open end', 'docs/a.md', '\nTODO: more', 'docs/a.md:2: TODO'],
  ['half a merge', 'README.md', '<<<<<<< HEAD', 'half-way'],
  ['a path of one machine', 'docs/a.md', 'see /home/me/x', 'one machine'],
  ['a lockfile bound to a registry', 'package-lock.json', '"resolved": "x"', 'one registry'],
  ['a lint exemption without a reason', 'src/a.ts', '// oxlint-disable-next-line no-console', 'reason'],
  ['types switched off', 'test/unit/a.test.ts', '// @ts-ignore', '@ts-expect-error'],
  ['a single test left on', 'test/unit/a.test.ts', "it.only('x')", 'debugging'],
  ['unchecked certificates', 'src/http/a.ts', 'rejectUnauthorized: false', 'certificates'],
  ['a drawer for everything', 'src/domain/utils.ts', '', 'what it does'],
  ['a folder for everything', 'src/helpers/a.ts', '', 'what it does'],
  ['a name in camel case', 'src/domain/renderRequest.ts', '', 'kebab-case'],
  ['a name in snake case', 'src/domain/render_request.ts', '', 'kebab-case'],
];

const ALLOWED: [title: string, path: string, text: string][] = [
  ['an exemption with its reason', 'src/a.ts', '// oxlint-disable-next-line no-console -- the only place'],
  ['a number before a migration', 'migrations/0001_create_agents.ts', ''],
  ['the same words inside others', 'src/domain/hackathon.ts', 'const TODOS = 1;'],
  ['a URL that has such a path', 'docs/a.md', 'https://example.com/home/page'],
];

describe('the words of the house', () => {
  for (const [title, path, text, complaint] of REFUSED) {
    it(`refuse ${title}`, () => {
      const problems = checkWords(path, text);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.contain(complaint);
    });
  }

  for (const [title, path, text] of ALLOWED) {
    it(`allow ${title}`, () => {
      expect(checkWords(path, text)).to.deep.equal([]);
    });
  }
});
