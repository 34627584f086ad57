import { expect } from 'chai';
import { changeLines, compareDocuments } from '../../../../src/cli/agent-files/compare.ts';
import { diffLines } from '../../../../src/cli/agent-files/line-diff.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';

const PRE = 'WEBHOOK_TYPE_PRE_CALL';

describe('compareDocuments', () => {
  const ROWS: [title: string, before: JsonObject, after: JsonObject, fields: string[]][] = [
    ['nothing for the same keys in another order', { a: { x: 1, y: [2] } }, { a: { y: [2], x: 1 } }, []],
    ['the innermost field', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 3, d: 2 } } }, ['a.b.c']],
    ['a field that is new, and one that is gone', { a: 1 }, { b: 1 }, ['b', 'a']],
    ['null beside a field that is missing', { a: { b: null } }, { a: {} }, ['a.b']],
    ['a list as a whole', { a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, ['a']],
    [
      'webhooks by their types',
      { webhooks: [{ webhook_type: PRE, disabled: true }, { webhook_type: 'X' }] },
      { webhooks: [{ webhook_type: 'X' }, { webhook_type: PRE }] },
      [`webhooks[${PRE}].disabled`],
    ],
    ['a name that is no identifier', { a: { 'X-A': '1' } }, { a: { 'X-A': '2' } }, ['a["X-A"]']],
    ['what an object inherits as missing', { a: {} }, { a: { toString: 1 } }, ['a.toString']],
  ];
  for (const [title, before, after, fields] of ROWS)
    it(`finds ${title}`, () => {
      expect(compareDocuments(before, after).map(({ field }) => field)).to.deep.equal(fields);
    });
});

describe('changeLines', () => {
  const shown = (before: JsonValue | undefined, after: JsonValue | undefined) =>
    changeLines({ field: 'a', before, after }).map(({ mark, text }) => mark + text);

  it('shows values as YAML', () => {
    expect(shown('no', true)).to.deep.equal(['-"no"', '+true']);
    expect(shown(undefined, { a: [1] })).to.deep.equal(['+a:', '+  - 1']);
  });

  it('shows the lines of a text that differ, with two lines around them', () => {
    const lines = Array.from({ length: 9 }, (_, i) => `line ${i}`);
    const after = lines.with(4, 'new');
    expect(shown(`${lines.join('\n')}\n`, `${after.join('\n')}\n`)).to.deep.equal([
      ...['…', ' line 2', ' line 3', '-line 4', '+new', ' line 5', ' line 6', '…'],
    ]);
  });

  it('shows that the last line break is missing', () => {
    expect(shown('a\nb\n', 'a\nb')).to.deep.equal([' a', ' b', '+(no line break at the end)']);
  });

  it('shows an item that moved as a line that goes and one that comes', () => {
    expect(shown(['a', 'b', 'c'], ['b', 'c', 'a'])).to.deep.equal(['-- a', ' - b', ' - c', '+- a']);
  });
});

describe('diffLines', () => {
  it('takes no table for texts of many lines', () => {
    const before = Array.from({ length: 20_000 }, (_, i) => `a${i}`);
    const after = before.map((line) => `${line}!`);
    expect(diffLines(before, after)).to.have.lengthOf(40_000);
  });
});
