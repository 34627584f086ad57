import { expect } from 'chai';
import { sameJson } from '../../../src/domain/json.ts';
import type { JsonValue } from '../../../src/domain/json.ts';

const ROWS: readonly [JsonValue | undefined, JsonValue | undefined, boolean][] = [
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

describe('sameJson', () => {
  for (const [one, other, expected] of ROWS) {
    it(`says ${expected} to ${JSON.stringify(one)} and ${JSON.stringify(other)}`, () => {
      expect(sameJson(one, other)).to.equal(expected);
      expect(sameJson(other, one)).to.equal(expected);
    });
  }
});
