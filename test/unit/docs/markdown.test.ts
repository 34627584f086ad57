import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');
const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((page) => existsSync(join(ROOT, page)));

const FENCED = /^( *)```(\w*)\n([^]*?)^\1```$/gm;

/** Returns the text of a page without its code. */
function proseOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
    .replaceAll(FENCED, '')
    .replaceAll(/`[^`\n]*`/g, 'code');
}

/** Returns the targets of the links of a page that lead to this repository: a path, an anchor, or both. */
function linksOf(page: string): string[] {
  const found = proseOf(page).matchAll(/\]\(\s*<?([^)\s>]+)>?\s*\)|^\[[^\]]+\]: (\S+)$/gm);
  return Array.from(found, ([, inline, reference]) => inline ?? reference ?? '').filter(
    (target) => !/^[a-z]+:/.test(target),
  );
}

/** Returns the anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(FENCED, '');
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.matchAll(/^#{1,6} (.*)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Says what is wrong with a link, or returns undefined. */
function problemOf(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), decodeURIComponent(path));
  if (file.startsWith('..') || !existsSync(join(ROOT, file))) return `${target}: there is no ${file}`;
  if (anchor === undefined || !file.endsWith('.md')) return undefined;
  return anchorsOf(file).has(anchor) ? undefined : `${target}: ${file} has no such heading`;
}

/** Says why a fenced block can't be read as its language says, or returns undefined. */
function unreadable(language: string, text: string): string | undefined {
  if (language === 'yaml' || language === 'yml')
    return parseAllDocuments(text).flatMap(({ errors }) => errors.map(({ message }) => message))[0];
  if (language !== 'json') return undefined;
  // A block may show members of an object without its braces.
  return ['', '{'].some((brace) => isJson(`${brace}${text}${brace && '}'}`)) ? undefined : 'it is no JSON';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('All pages in Markdown', () => {
  it('are found', () => {
    expect(PAGES).to.include.members(['README.md', 'docs/README.md', 'docs/api.md', 'CHANGELOG.md']);
  });

  it('are in the table of contents, if they are in docs/', () => {
    const listed = linksOf('docs/README.md').map((target) => join('docs', target.split('#')[0] ?? ''));
    const pages = PAGES.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md');
    expect(pages.filter((page) => !listed.includes(page))).to.deep.equal([]);
  });

  for (const page of PAGES) {
    it(`link to files and headings that exist (${page})`, () => {
      expect(linksOf(page).flatMap((target) => problemOf(page, target) ?? [])).to.deep.equal([]);
    });

    it(`hold JSON and YAML that can be read (${page})`, () => {
      const wrong = Array.from(readFileSync(join(ROOT, page), 'utf8').matchAll(FENCED)).flatMap(
        ([, , language = '', text = '']) => {
          const problem = unreadable(language, text);
          return problem === undefined ? [] : [`${problem}: ${text}`];
        },
      );
      expect(wrong).to.deep.equal([]);
    });
  }
});
