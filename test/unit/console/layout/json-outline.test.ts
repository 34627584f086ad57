import { expect } from 'chai';
import { outlineJson, type JsonOutline } from '../../../../src/console/layout/json-outline.ts';

/** Writes an outline as text again. What was cut off is written as `…`. */
function print(outline: JsonOutline | undefined): string | undefined {
  if (outline === undefined || outline.kind === 'scalar') return outline?.text;
  const [begin, end] = outline.kind === 'object' ? '{}' : '[]';
  const members = outline.members.map(
    ({ key, value }) => `${key === undefined ? '' : `${key}:`}${print(value)}`,
  );
  return `${begin}${[...members, ...(outline.isCut ? ['…'] : [])].join(',')}${end}`;
}
const printed = (text: string, maxValues = 100) => print(outlineJson(text, maxValues));

describe('outlineJson', () => {
  it('keeps numbers and strings as they stand in the text', () => {
    const text =
      '{"id":12345678901234567890,"price":1.50,"text":"a\\u00e9\\"<b>","list":[1e3,-0,true,null,{}]}';
    expect(printed(text)).to.equal(text);
  });

  for (const [text, result] of [
    ['{"a":{"b":[1,2', '{"a":{"b":[1,…],…},…}'],
    ['{"a":"xy', '{…}'],
    ['{"a":1,"b":tr', '{"a":1,…}'],
    ['[12', '[…]'],
    ['[12,', '[12,…]'],
    ['{"a"', '{…}'],
    ['[[', '[[…],…]'],
  ] as const)
    it(`shows ${text}, which was cut, without the part that is not complete`, () => {
      expect(printed(text)).to.equal(result);
    });

  for (const text of [
    '',
    '1',
    '"text"',
    '[INFO] started',
    '{"a":1}{"b":2}',
    '{a:1}',
    '<html>',
    '[1] rest',
    '{]',
    '}',
  ])
    it(`returns undefined for ${JSON.stringify(text)}`, () => {
      expect(printed(text)).to.equal(undefined);
    });

  it('stops at the number of values that is asked for', () => {
    expect(printed(JSON.stringify([1, 2, 3, 4, 5]), 3)).to.equal('[1,2,…]');
  });

  it('stops at a depth of 64, and does not recurse', () => {
    expect(printed('['.repeat(60_000), 1_000)).to.equal(
      `${'['.repeat(64)}…${']'.repeat(64)}`.replace(/\](?=\])/g, '],…'),
    );
  });

  it('is quick for hostile texts of 64 KiB', () => {
    const texts = [
      `"${'\\'.repeat(65_000)}`,
      `["${'\\n'.repeat(32_000)}`,
      `{${'"a":{'.repeat(10_000)}`,
      ' '.repeat(65_000),
    ];
    const from = performance.now();
    for (const text of texts) outlineJson(text, 1_000);
    expect(performance.now() - from).to.be.below(100);
  });
});
