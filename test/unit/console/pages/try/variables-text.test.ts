import { expect } from 'chai';
import { readVariables } from '../../../../../src/console/pages/try/variables-text.ts';

describe('readVariables', () => {
  const good: [title: string, text: string, variables: object][] = [
    ['an object', '  {"a": 1}', { a: 1 }],
    ['a line', 'name=Ada Lovelace', { name: 'Ada Lovelace' }],
    [
      'lines with JSON values',
      'count=3\nis_vip=true\nlist=[1, 2]\nzip="01234"',
      { count: 3, is_vip: true, list: [1, 2], zip: '01234' },
    ],
    ['blank lines and spaces around', '\n  a = b  \n\n', { a: 'b' }],
    ['a value with an equals sign', 'url=https://a.example/?b=c', { url: 'https://a.example/?b=c' }],
    ['an empty value', 'a=', { a: '' }],
  ];
  for (const [title, text, variables] of good) {
    it(`reads ${title}`, () => {
      expect(readVariables(text)).to.deep.equal(variables);
    });
  }

  it('takes a name that every object has as any other name', () => {
    const variables = readVariables('__proto__=x');
    expect(Object.keys(variables)).to.deep.equal(['__proto__']);
    expect(Object.getPrototypeOf(variables)).to.equal(Object.prototype);
  });

  const bad: [title: string, text: string, message: RegExp][] = [
    ['a line without an equals sign', 'a=1\nb', /line 2 is neither/],
    ['a line without a name', '=1', /line 1 is neither/],
    ['a name that stands twice', 'a=1\nb=2\na=3', /line 3 names one again/],
    ['more lines than are read', 'a\n'.repeat(1_000), /more than 1000 lines here/],
    ['an object that is not closed', '{"a": 1', /is not JSON/],
  ];
  for (const [title, text, message] of bad) {
    it(`throws for ${title}`, () => {
      expect(() => readVariables(text)).to.throw(message);
    });
  }
});
