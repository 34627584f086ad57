import { expect } from 'chai';
import fc from 'fast-check';
import { attributeNameProblem } from '../../../../src/domain/assignments/attribute-spelling.ts';

const MISSPELLED: readonly (readonly [name: string, nearest: string])[] = [
  // Several values: the first of them, or the whole list.
  ['items[*].name', 'items[0].name'],
  ['items[*]', 'items'],
  ['items.*.name', 'items[0].name'],
  ['items[].name', 'items[0].name'],
  ['items[0:2].name', 'items[0].name'],
  ['items[1:].name', 'items[1].name'],
  ['items[:-1].name', 'items[0].name'],
  ['items[2,3].name', 'items[2].name'],
  ['items[?(@.id==1)].name', 'items[0].name'],
  ["items[?@['a'][0] == 1].name", 'items[0].name'],
  ['items[(@.length-1)].name', 'items[0].name'],
  ["$['a','b'].c", 'a.c'],
  ['$..name', 'name'],
  ['customer..name', 'customer.name'],
  ['$.*', '$'],
  ['*', '$'],
  // Other notations.
  ['/customer/name', 'customer.name'],
  ['/items/0/first-name', 'items[0]["first-name"]'],
  ['/a~1b/c~0d', '$["a/b"]["c~d"]'],
  ['{{name}}', 'name'],
  ['{{ customer.name }}', 'customer.name'],
  ['.customer.name', 'customer.name'],
  ['.', '$'],
  ['items.[0].name', 'items[0].name'],
  ['items.0["a b"]', 'items[0]["a b"]'],
  ['$.items.0.name', 'items[0].name'],
  ['Account[Name]', 'Account.Name'],
  // Small mistakes.
  [' name', 'name'],
  ['$ ', '$'],
  ['$. name', 'name'],
  ['customer.', 'customer'],
  ['a["b', 'a.b'],
  ["a['b']c'", 'a.b["c\'"]'],
  ['items[0', 'items[0]'],
  ['items[00]', 'items[0]'],
  ['items[-0]', 'items[0]'],
  ['a["\t"]', 'a["\\t"]'],
  ['$.first-name', '$["first-name"]'],
  ['results[0].first name', 'results[0]["first name"]'],
  // Keys that look like a query.
  ['$schema', '$["$schema"]'],
  ['active?', '$["active?"]'],
  ['a*b', '$["a*b"]'],
];

const GOOD: readonly string[] = [
  'name',
  'customer.name',
  'items.0.sku',
  'first-name',
  'first name.x',
  '@odata.context',
  'name ',
  '{name}',
  'a"b',
  'tags:x.y,z',
  '$',
  '$.a',
  '$[0]',
  '[0].a',
  'results[0].properties.firstname',
  'records[-1]["Account.Name"]',
  "$['@odata.context']",
  "$['it\\'s']",
  '$["\\ud83d\\ude00"]',
  'é[0].名前',
];

describe('attributeNameProblem', () => {
  for (const [name, nearest] of MISSPELLED)
    it(`refuses ${name}, and shows ${nearest}`, () => {
      const problem = attributeNameProblem(name) ?? '';
      expect(problem.slice(problem.indexOf(': write ') + 8)).to.equal(nearest);
      expect(attributeNameProblem(nearest)).to.equal(undefined);
    });

  for (const name of GOOD)
    it(`takes ${name}`, () => {
      expect(attributeNameProblem(name)).to.equal(undefined);
    });

  it('says what kind of text it is', () => {
    expect(attributeNameProblem('')).to.equal('is required');
    expect(attributeNameProblem('{{a}}')).to.include('not a placeholder');
    expect(attributeNameProblem('/a')).to.include('not be a JSON pointer');
    for (const name of ['a[*]', '$..a', 'a.*', 'a[1:2]', 'a[?@.b]', 'a[1,2]', 'a..b'])
      expect(attributeNameProblem(name), name).to.include('lead to one value');
    expect(attributeNameProblem('a[')).to.include('a dotted path or a singular query of RFC 9535');
  });

  it('takes 16 segments and refuses 17, in both spellings', () => {
    for (const separator of ['.', '[0].'])
      for (const [count, expected] of [
        [separator === '.' ? 16 : 8, undefined],
        [separator === '.' ? 17 : 9, 'must not be a path of more than 16 segments'],
      ] as const) {
        const name = `${Array.from({ length: count }, () => 'a').join(separator)}${separator === '.' ? '' : '[0]'}`;
        expect(attributeNameProblem(name), name).to.equal(expected);
      }
  });

  it('takes 256 bytes and refuses 257, counted in UTF-8', () => {
    expect(attributeNameProblem(`$['${'é'.repeat(125)}a']`)).to.equal(undefined);
    expect(attributeNameProblem(`$['${'é'.repeat(126)}']`)).to.equal('must not be larger than 256 bytes');
  });

  it('shows no spelling where none is short enough', () => {
    expect(attributeNameProblem(`/${'a/'.repeat(20)}`)).to.equal('must not be a JSON pointer');
  });

  it('shows a spelling that it takes itself, for any name', () => {
    const name = fc.oneof(
      fc.string(),
      fc.string({
        unit: fc.constantFrom(
          '$',
          '.',
          'a',
          '[',
          ']',
          "'",
          '"',
          '0',
          '*',
          '?',
          ':',
          ',',
          '/',
          '{',
          ' ',
          '\\',
        ),
      }),
    );
    fc.assert(
      fc.property(name, (text) => {
        const [, nearest] = /: write (.*)$/s.exec(attributeNameProblem(text) ?? '') ?? [];
        if (nearest !== undefined) expect(attributeNameProblem(nearest)).to.equal(undefined);
      }),
      { numRuns: 5_000 },
    );
  });
});
