import { expect } from 'chai';
import fc from 'fast-check';
import { readYaml, type YamlNode } from '../../../../src/cli/agent-files/read-yaml.ts';
import { writeYaml } from '../../../../src/cli/agent-files/write-yaml.ts';
import { asStored, sameJson, type JsonValue } from '../../../../src/domain/json.ts';
import { goodJson } from '../../../support/arbitrary-json.ts';

function toJson(node: YamlNode | undefined): JsonValue {
  if (node?.kind === 'list') return node.items.map(toJson);
  if (node?.kind === 'map') return Object.fromEntries(node.entries.map((e) => [e.key, toJson(e.value)]));
  if (node?.kind === 'scalar') return node.value;
  throw new Error(`not read: ${JSON.stringify(node)}`);
}

const SAMPLES: [title: string, value: JsonValue, text: string][] = [
  ['a text of several lines as a block', { a: 'x\ny\n' }, 'a: |\n  x\n  y\n'],
  ['a text without a last line break as a block', { a: 'x\n\n  y' }, 'a: |-\n  x\n\n    y\n'],
  ['words of YAML 1.1 in quotes', { on: 'no', y: '2026-01-01' }, '"on": "no"\n"y": "2026-01-01"\n'],
  ['texts that look like numbers in quotes', ['1', '0x1', '1e3'], '- "1"\n- "0x1"\n- "1e3"\n'],
  ['a large number with its digits', { a: 2 ** 60, b: 1e21 }, 'a: 1.152921504606847e+18\nb: 1e+21\n'],
  ['empty values in one line', { a: {}, b: [], c: '' }, 'a: {}\nb: []\nc: ""\n'],
  ['the source of a secret in one line', { s: { env: 'S' } }, 's: { env: S }\n'],
  ['control characters escaped', { a: 'x\u001b[31m' }, 'a: "x\\e[31m"\n'],
  ['placeholders without need for quotes', { a: 'Bearer {{secret.T}}' }, 'a: Bearer {{secret.T}}\n'],
  ['a long line in one line', { a: 'word '.repeat(60).trim() }, `a: ${'word '.repeat(60).trim()}\n`],
];

describe('writeYaml', () => {
  for (const [title, value, text] of SAMPLES)
    it(`writes ${title}`, () => {
      expect(writeYaml(value)).to.equal(text);
    });

  it('writes an object that stands twice twice, without an alias', () => {
    const twice = { x: 1 };
    expect(writeYaml({ a: twice, b: twice })).to.equal('a:\n  x: 1\nb:\n  x: 1\n');
  });

  it('writes every JSON value so that it reads back as it was', () => {
    fc.assert(
      fc.property(goodJson as fc.Arbitrary<JsonValue>, (value) => {
        const wanted = asStored({ value });
        const { root, problems } = readYaml(writeYaml(wanted));
        expect(problems).to.deep.equal([]);
        expect(sameJson(toJson(root), wanted)).to.equal(true);
      }),
      { numRuns: 1000 },
    );
  }).timeout(60_000);

  it('writes texts of blanks and line breaks so that they read back as they were', () => {
    const unit = fc.constantFrom(
      ...[
        '\n',
        ' ',
        '\t',
        'a',
        '#',
        ':',
        '- ',
        '|',
        '>',
        '\r',
        '\u0085',
        '\u2028',
        '---',
        '...',
        '"',
        "'",
        '\ufeff',
      ],
      ...[
        '%',
        '@',
        '`',
        '&',
        '*',
        '!',
        '{',
        '}',
        '[',
        ']',
        ',',
        '?',
        '\\',
        '\0',
        '😀',
        '~',
        'null',
        '1',
        '.',
        'e',
      ],
    );
    const text = fc.oneof(
      { weight: 9, arbitrary: fc.array(unit, { maxLength: 9 }).map((units) => units.join('')) },
      { weight: 1, arbitrary: fc.tuple(unit, fc.constantFrom(200, 1100)).map(([one, n]) => one.repeat(n)) },
    );
    fc.assert(
      fc.property(text, text, (key, value) => {
        const wanted = { a: { [key]: value, list: [value, { [key]: [value] }] } };
        expect(sameJson(toJson(readYaml(writeYaml(wanted)).root), wanted)).to.equal(true);
      }),
      { numRuns: 2000 },
    );
  }).timeout(60_000);
});
