import { expect } from 'chai';
import { asStored, jsonDepth, lookUp, sameJson } from '../../../src/domain/json.ts';
import type { JsonValue } from '../../../src/domain/json.ts';

describe('lookUp', () => {
  const value: JsonValue = { a: { b: [10, { c: null }], '0': 'zero', 'x.y': 1 }, s: 'text', n: 5, e: [] };
  const found: [path: string[], value: JsonValue][] = [
    [[], value],
    [['a', 'b', '0'], 10],
    [['a', 'b', '1', 'c'], null],
    [['a', '0'], 'zero'],
    [['a', 'x.y'], 1],
  ];
  for (const [path, expected] of found) {
    it(`finds ${JSON.stringify(path)}`, () =>
      expect(lookUp(value, path)).to.deep.equal({ found: true, value: expected }));
  }

  const missing = [
    ['z'],
    ['a', 'b', '2'],
    ['a', 'b', '00'],
    ['a', 'b', '-1'],
    ['a', 'b', '1.0'],
    ['a', 'b', 'length'],
    ['e', '0'],
    ['s', '0'],
    ['s', 'length'],
    ['n', 'toFixed'],
    ['toString'],
    ['__proto__'],
    ['constructor', 'name'],
    ['a', 'b', '1', 'c', 'd'],
    ['a', 'b', '99999999999999999999'],
    [''],
  ];
  for (const path of missing) {
    it(`finds nothing at ${JSON.stringify(path)}`, () =>
      expect(lookUp(value, path)).to.deep.equal({ found: false }));
  }
});

describe('jsonDepth', () => {
  const depths: [JsonValue, number][] = [
    [null, 0],
    ['a', 0],
    [[], 1],
    [{}, 1],
    [[[]], 2],
    [{ a: [{ b: 1 }] }, 3],
    [[1, [2, [3]], { a: 1 }], 3],
  ];
  for (const [value, depth] of depths) {
    it(`returns ${depth} for ${JSON.stringify(value)}`, () => expect(jsonDepth(value)).to.equal(depth));
  }

  it('measures a depth that recursion would not survive', () => {
    let deep: JsonValue = 1;
    for (let i = 0; i < 200_000; i += 1) deep = [deep];
    expect(jsonDepth(deep)).to.equal(200_000);
  });
});

describe('asStored', () => {
  it('drops the key __proto__ at any depth, and nothing else', () => {
    const value = JSON.parse('{"__proto__":{"a":1},"b":[{"__proto__":2,"constructor":3}],"c":null}');
    const dropped = asStored(value);
    expect(JSON.stringify(dropped)).to.equal('{"b":[{"constructor":3}],"c":null}');
    expect(Object.getPrototypeOf(dropped)).to.equal(Object.prototype);
  });

  it('returns 0 for -0 at any depth, because the database gives back no -0', () =>
    expect(asStored([-0, { a: [-0] }, -1, 'x'])).to.deep.equal([0, { a: [0] }, -1, 'x']));
});

describe('sameJson', () => {
  const rows: [JsonValue | undefined, JsonValue | undefined, boolean][] = [
    [undefined, undefined, true],
    [undefined, null, false],
    [null, null, true],
    [1, 1, true],
    [1, '1', false],
    [{ a: 1, b: [null, { c: 2 }] }, { b: [null, { c: 2 }], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: null }, false],
    [{ a: 1, b: null }, { a: 1, c: null }, false],
    [[1, 2], [2, 1], false],
    [[1], { 0: 1 }, false],
    [[], {}, false],
    [{ constructor: 1 }, {}, false],
  ];
  for (const [one, other, expected] of rows) {
    it(`returns ${expected} for ${JSON.stringify(one)} and ${JSON.stringify(other)}`, () => {
      expect(sameJson(one, other)).to.equal(expected);
      expect(sameJson(other, one)).to.equal(expected);
    });
  }
});
