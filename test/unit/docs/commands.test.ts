/** Checks what the shell blocks and the texts of all pages name: commands and options, make targets, and settings. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { CLIENT_VARIABLES } from '../../../src/config/client-variables.ts';
import { VARIABLE_NAMES } from '../../../src/config/schema.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((page) => existsSync(join(ROOT, page)));

/** Names of other things than settings: secrets of a CI that a page makes up, and a variable of an example. */
const NO_SETTINGS = ['CALLHOOKS_VIEWER_TOKEN', 'CALLHOOKS_ADMIN_TOKEN', 'CALLHOOKS_AGENT'];

/** The text of each page, by its path. The changelog also tells of what is gone. */
const TEXTS = PAGES.filter((page) => page !== 'CHANGELOG.md').map((page) => [page, read(page)] as const);

const SHELL_BLOCK = /^( *)```sh\n([^]*?)^\1```$/gm;
const shellBlocks = (text: string): string[] =>
  Array.from(text.matchAll(SHELL_BLOCK), ([, , block = '']) => block);

/** Returns what stands in code: the shell blocks with their lines joined, and code within a sentence. */
function codeOf(text: string): string[] {
  const prose = text.replaceAll(/^( *)```[^]*?^\1```$/gm, '').replaceAll(/``.*?``/g, '');
  const inline = prose.matchAll(/`([^`]+)`/g);
  const lines = shellBlocks(text).flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
  return [...lines, ...Array.from(inline, ([, code = '']) => code.replaceAll(/\s+/g, ' '))];
}

/** Returns the command lines of callhooks in a line of code: `callhooks NAME …`, until a pipe, a comment or a redirection. */
function callhooksLines(line: string): string[] {
  const found = line.matchAll(/(?:^|[\s/])callhooks ([a-z][a-z-]*\b[^|;&>#<]*)/g);
  // In these lines `callhooks` is the name of a user, a release, a database or this project.
  return /^(?:#|(?:helm|useradd|kubectl|journalctl|systemctl|install|gunzip|mysqldump) )/.test(line.trim())
    ? []
    : Array.from(found, ([, words = '']) => words.trim());
}

/** Says what is wrong with a command line, or returns undefined. */
async function problemOf(line: string): Promise<string | undefined> {
  const [name = '', ...words] = line.split(/\s+/);
  const command = await COMMANDS.get(name)?.load();
  if (command === undefined) return `callhooks ${line}: there is no such command`;
  const options = words.flatMap((word) => /^--([a-z][a-z-]*)/.exec(word)?.[1] ?? []);
  const unknown = options.find((option) => option !== 'help' && !(option in command.options));
  return unknown === undefined ? undefined : `callhooks ${line}: it has no option --${unknown}`;
}

describe('The shell blocks of all pages', () => {
  for (const [page, text] of TEXTS.filter(([, each]) => shellBlocks(each).length > 0))
    it(`are read by bash without a syntax error (${page})`, () => {
      const wrong = shellBlocks(text).flatMap((block) => {
        const { status, stderr } = spawnSync('bash', ['-n'], { input: block, encoding: 'utf8' });
        return status === 0 && stderr === '' ? [] : [`${stderr}${block}`];
      });
      expect(wrong).to.deep.equal([]);
    });
});

describe('All pages', () => {
  const lines = TEXTS.flatMap(([page, text]) => codeOf(text).map((line) => [page, line] as const));

  it('name commands of callhooks that exist, with options that exist', async () => {
    const found = lines.flatMap(([page, line]) => callhooksLines(line).map((each) => [page, each] as const));
    expect(found.map(([, each]) => each.split(' ')[0])).to.include.members([
      'explain',
      'apply',
      'token',
      'migrate',
    ]);
    const problems = await Promise.all(
      found.map(async ([page, line]) => {
        const problem = await problemOf(line);
        return problem === undefined ? [] : [`${page}: ${problem}`];
      }),
    );
    expect(problems.flat()).to.deep.equal([]);
  });

  it('name make targets that exist', () => {
    const targets = new Set(
      Array.from(read('Makefile').matchAll(/^([a-z][a-z-]*):/gm), ([, target]) => target),
    );
    const named = lines.flatMap(([page, line]) =>
      Array.from(
        line.matchAll(/(?:^|&& |[A-Z_]+=\S+ )make ([a-z][a-z-]*)/g),
        ([, target = '']) => [page, target] as const,
      ),
    );
    expect(named.map(([, target]) => target)).to.include.members(['run', 'demo', 'stubs']);
    expect(named.filter(([, target]) => !targets.has(target))).to.deep.equal([]);
  });

  it('name settings that exist', () => {
    const known = new Set<string>([...VARIABLE_NAMES, ...Object.keys(CLIENT_VARIABLES), ...NO_SETTINGS]);
    const named = TEXTS.flatMap(([page, text]) =>
      Array.from(
        text.matchAll(/\bCALLHOOKS_[A-Z0-9_]*[A-Z0-9]\b(?![*…_])/g),
        ([name]) => [page, name] as const,
      ),
    );
    expect(named.map(([, name]) => name)).to.include('CALLHOOKS_EGRESS_ALLOW');
    const isKnown = (name: string): boolean => known.has(name) || known.has(name.replace(/_FILE$/, ''));
    expect(named.filter(([, name]) => !isKnown(name))).to.deep.equal([]);
  });
});
