import { expect } from 'chai';
import { asStored, jsonDepth, lookUp } from '../../../src/domain/json.ts';
import { jsonBytes } from '../../../src/domain/json-size.ts';
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
    it(`of ${JSON.stringify(value)} is ${depth}`, () => expect(jsonDepth(value)).to.equal(depth));
  }

  it('survives a depth that recursion would not', () => {
    let deep: JsonValue = 1;
    for (let i = 0; i < 200_000; i += 1) deep = [deep];
    expect(jsonDepth(deep)).to.equal(200_000);
  });
});

describe('JSON of values', () => {
  it('is measured in bytes of UTF-8', () => expect(jsonBytes({ ü: '😀' })).to.equal(13));

  it('loses the key __proto__ at any depth and nothing else', () => {
    const value = JSON.parse('{"__proto__":{"a":1},"b":[{"__proto__":2,"constructor":3}],"c":null}');
    const dropped = asStored(value);
    expect(JSON.stringify(dropped)).to.equal('{"b":[{"constructor":3}],"c":null}');
    expect(Object.getPrototypeOf(dropped)).to.equal(Object.prototype);
  });

  it('has 0 for -0 at any depth, for the database gives back no other', () =>
    expect(asStored([-0, { a: [-0] }, -1, 'x'])).to.deep.equal([0, { a: [0] }, -1, 'x']));
});
