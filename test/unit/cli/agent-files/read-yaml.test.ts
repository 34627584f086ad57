import { expect } from 'chai';
import { readYaml, type YamlNode } from '../../../../src/cli/agent-files/read-yaml.ts';

function toJson(node: YamlNode | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'bad') return { refused: node.problem };
  if (node.kind === 'list') return node.items.map(toJson);
  return Object.fromEntries(node.entries.map(({ key, value, problem }) => [key, problem ?? toJson(value)]));
}

const VALUES: [text: string, value: unknown][] = [
  ['no', 'no'],
  ['on', 'on'],
  ['2026-01-01', '2026-01-01'],
  ['12:30:45', '12:30:45'],
  ['true', true],
  ['~', null],
  ['', null],
  ['0x1F', 31],
  ['0o17', 15],
  ['017', 17],
  ['-0.5', -0.5],
  ['1e300', 1e300],
  ['"\\u0041\\n"', 'A\n'],
  ['|\n  a\n  b\n', 'a\nb\n'],
  ['>-\n  a\n  b\n', 'a b'],
  ['!!str 12', '12'],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993.0', 9007199254740992],
];

const REFUSED: [text: string, problem: RegExp][] = [
  ['9007199254740992', /loses digits/],
  ['-12345678901234567890', /loses digits/],
  ['.inf', /no number/],
  ['.nan', /no number/],
  ['1e400', /no number/],
  ['"\\ud800"', /lone surrogate/],
  ['!!binary aGk=', /has the tag/],
  ['!custom x', /has the tag/],
  ['!!js/function "x"', /has the tag/],
  ['{ a: 1, a: 2 }', /stands twice/],
  ['{ a: 1, "a": 2 }', /stands twice/],
  ['{ 1: x, "1": y }', /stands twice/],
  ['{ __proto__: { x: 1 } }', /not allowed/],
  ['{ <<: { x: 1 } }', /merge key/],
  ['*nowhere', /alias/i],
];

const TEXTS: [title: string, text: string, problem: RegExp][] = [
  ['an empty text', '', /is empty/],
  ['comments only', '# nothing\n', /is empty/],
  ['two documents', 'a: 1\n---\nb: 2\n', /no YAML/],
  ['a tab for indentation', 'a:\n\tb: 1\n', /no YAML/],
  ['an open quote', 'a: "b\n', /no YAML/],
  ['YAML 1.1', '%YAML 1.1\n---\na: no\n', /1\.2/],
  ['twenty thousand brackets', '['.repeat(20_000), /nested too deeply/],
  ['8 MiB of brackets', '['.repeat(8 * 1024 ** 2), /nested too deeply/],
  ['8 MiB of commas', `[${','.repeat(8 * 1024 ** 2 - 2)}]`, /is too large/],
  ['8 MiB of comments', '#\n'.repeat(4 * 1024 ** 2), /is too large/],
  ['twenty thousand lists in one line', '- '.repeat(20_000), /nested too deeply/],
  ['a thousand levels', `${'['.repeat(1000)}${']'.repeat(1000)}`, /nested too deeply/],
  ['a key that is a map', '? { a: 1 }\n: b\n', /no YAML|texts as keys/],
];

describe('readYaml', () => {
  for (const [text, value] of VALUES)
    it(`reads ${JSON.stringify(text)} as ${JSON.stringify(value)}`, () => {
      const { root, problems } = readYaml(`a: ${text}`);
      expect(problems).to.deep.equal([]);
      expect(toJson(root)).to.deep.equal({ a: value });
    });

  for (const [text, problem] of REFUSED)
    it(`refuses ${text}`, () => {
      const { root, problems } = readYaml(`a: ${text}`);
      expect(JSON.stringify([toJson(root), problems])).to.match(problem);
    });

  for (const [title, text, problem] of TEXTS)
    it(`refuses ${title}`, () => {
      const { root, problems } = readYaml(text);
      expect(JSON.stringify([toJson(root), problems.map((each) => each.text)])).to.match(problem);
    });

  it('takes an alias for the value of the last anchor before it', () => {
    const { root } = readYaml('a: &x 1\nb: *x\nc: &x 2\nd: *x\n');
    expect(toJson(root)).to.deep.equal({ a: 1, b: 1, c: 2, d: 2 });
  });

  it('refuses an alias inside of its own anchor', () => {
    expect(JSON.stringify(toJson(readYaml('a: &x [1, *x]').root))).to.match(/own anchor/);
  });

  it('refuses a billion laughs without writing them out', () => {
    const levels = Array.from({ length: 30 }, (_, i) => {
      const items = i === 0 ? '"lol"' : Array.from({ length: 9 }, () => `*l${i - 1}`).join(', ');
      return `l${i}: &l${i} [${items}]`;
    });
    const { root, problems } = readYaml(levels.join('\n'));
    expect(root).to.equal(undefined);
    expect(problems.map(({ text }) => text).join()).to.match(/holds more than 100000 values/);
  });

  it('refuses a long text that aliases repeat a thousand times', () => {
    const text = `a: &x ${'x'.repeat(10_000)}\nb: [${'*x, '.repeat(1000)}]\n`;
    expect(readYaml(text).problems.map((each) => each.text)).to.deep.equal(['holds more than 1 MiB of text']);
  });

  it('reads a hundred thousand keys without comparing each with each', () => {
    const text = Array.from({ length: 90_000 }, (_, i) => `k${i}: 1`).join('\n');
    expect(readYaml(text).problems).to.deep.equal([]);
  }).timeout(60_000);

  it('knows the line and the column of each value', () => {
    const { root, placeOf } = readYaml('a: 1\nb:\r\n  - "ü"\n  - é: x\n');
    const list = root?.kind === 'map' ? root.entries[1]?.value : undefined;
    const last = list?.kind === 'list' ? list.items[1] : undefined;
    expect(placeOf(last?.at ?? 0)).to.deep.equal({ line: 4, column: 5 });
  });
});
