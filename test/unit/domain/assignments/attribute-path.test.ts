import { expect } from 'chai';
import fc from 'fast-check';
import { compileAttributePath, readAttribute } from '../../../../src/domain/assignments/attribute-path.ts';
import { attributeNameProblem } from '../../../../src/domain/assignments/attribute-spelling.ts';
import type { JsonValue } from '../../../../src/domain/json.ts';

function read(body: JsonValue | undefined, name: string): JsonValue | undefined {
  return readAttribute(body, compileAttributePath(name));
}

const HUBSPOT = { results: [{ properties: { firstname: 'Ada', 'hs.id': 7 } }] };

describe('readAttribute', () => {
  const rows: [string, JsonValue, JsonValue | undefined][] = [
    ['results.0.properties.firstname', HUBSPOT, 'Ada'],
    ['results[0].properties.firstname', HUBSPOT, 'Ada'],
    ['$.results[-1]["properties"].firstname', HUBSPOT, 'Ada'],
    ['results[0].properties["hs.id"]', HUBSPOT, 7],
    ['results[1]', HUBSPOT, undefined],
    ['results[-2]', HUBSPOT, undefined],
    ['results.-1', HUBSPOT, undefined],
    ['results.length', HUBSPOT, undefined],
    ['results[9007199254740991]', HUBSPOT, undefined],
    ['results.99999999999999999999', HUBSPOT, undefined],
    ['a.b', { 'a.b': 1, a: { b: 2 } }, 1],
    ['$.a.b', { 'a.b': 1, a: { b: 2 } }, 2],
    ['@odata.context', { '@odata.context': 'x' }, 'x'],
    ["$['@odata.context']", { '@odata.context': 'x' }, 'x'],
    ['0', { 0: 'key' }, 'key'],
    ['0', ['item'], 'item'],
    ['[0]', { 0: 'key' }, undefined],
    ['$', null, null],
  ];
  for (const [name, body, expected] of rows)
    it(`finds ${JSON.stringify(expected)} at ${name} in ${JSON.stringify(body)}`, () => {
      expect(read(body, name)).to.deep.equal(expected);
    });

  it('finds nothing in an empty body', () => {
    for (const name of ['$', 'a', '[0]']) expect(read(undefined, name)).to.equal(undefined);
  });

  it('reads a name that is refused today as the dotted path that it was', () => {
    const names: [string, JsonValue][] = [
      ['/a', { '/a': 1 }],
      ['items[*]', { 'items[*]': 1 }],
      ['$a', { $a: 1 }],
      ['a..b', { a: { '': { b: 1 } } }],
      ['.', { '': { '': 1 } }],
    ];
    for (const [name, body] of names) {
      expect(attributeNameProblem(name), name).to.be.a('string');
      expect(read(body, name), name).to.equal(1);
    }
  });

  it('finds own members of objects and items of arrays only, for any name and body', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, body) => {
        const found = read(body as JsonValue, name);
        if (found === undefined) return;
        expect(JSON.stringify(body)).to.include(JSON.stringify(found));
      }),
    );
  });
});
