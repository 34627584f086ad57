import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const root = new URL('../../../', import.meta.url);
const docs = readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.md'),
);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('docs/architecture.md', () => {
  it('has a row for every folder of src/', () => {
    const folders = readdirSync(new URL('src/', root), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    const page = read('docs/architecture.md');
    for (const { name } of folders) expect(page).to.contain(`| \`${name}/\` |`);
  });

  it('names functions that stand in the files beside them', () => {
    const rows = [...read('docs/architecture.md').matchAll(/^\|[^|]*\| ([^|]*) \| `(src\/[^`]+)` \|$/gm)];
    expect(rows).to.have.length.above(20);
    for (const [, names = '', file = ''] of rows)
      for (const [, name = ''] of names.matchAll(/`(\w+)`/g))
        expect(read(file), file).to.match(new RegExp(`\\b${name}\\b`));
  });
});

describe('the documentation', () => {
  for (const name of docs) {
    const text = read(`docs/${name}`);
    const page = new URL(`docs/${name}`, root);

    it(`links only to what is there (${name})`, () => {
      const targets = Array.from(text.matchAll(/\]\((?!https?:)([^)#]+)/g), ([, target = '']) => target);
      expect(targets.filter((target) => !existsSync(new URL(target, page)))).to.deep.equal([]);
    });

    it(`names only files that are there (${name})`, () => {
      const files = Array.from(
        text.matchAll(/`((?:src|scripts|test|migrations|proto)\/[\w/.-]+)`/g),
        ([, file = '']) => file,
      );
      expect(files.filter((file) => !existsSync(new URL(file, root)))).to.deep.equal([]);
    });
  }
});
