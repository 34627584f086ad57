import { expect } from 'chai';
import { parseJsonPrefix } from '../../../src/explain/json-prefix.ts';
import { createNearPath, nearPathText } from '../../../src/explain/near-path.ts';
import type { JsonValue } from '../../../src/domain/json.ts';

const whatStandsAt = (body: JsonValue, path: string): string => nearPathText(createNearPath(body)(path));

describe('createNearPath', () => {
  const customer = { fullName: 'Ada', plan: null, tags: ['a', 'b'], none: [], more: {} };
  const body = { customer, 'a.b': 1 };
  const rows: [title: string, body: JsonValue, path: string, says: string][] = [
    [
      'the keys at the last step that was found, the nearest first',
      body,
      'customer.full_name',
      'customer is an object with the keys fullName, plan, none, tags, more; there is customer.fullName',
    ],
    [
      'the keys of the response',
      body,
      'custmer.name',
      'the response is an object with the keys customer, a.b',
    ],
    [
      'where else the last key stands',
      { data: { items: [{ name: 'x' }] } },
      'name',
      'there is data.items[0].name',
    ],
    ['a value that was too large or empty', { a: '' }, 'a', 'a is ""'],
    ['null', body, 'customer.plan', 'customer.plan is null'],
    ['a member of null', body, 'customer.plan.name', 'customer.plan is null'],
    ['a member of a text', body, 'customer.fullName.first', 'customer.fullName is "Ada"'],
    ['a member of a list', body, 'customer.tags.name', 'customer.tags is a list of 2 items, from [0] on'],
    [
      'an index beyond the end of a list',
      body,
      '$.customer.tags[7]',
      'customer.tags is a list of 2 items, from [0] on',
    ],
    ['an empty list', body, 'customer.none.0', 'customer.none is an empty list'],
    ['an empty object', body, 'customer.more.x', 'customer.more is an empty object'],
    ['a key with a dot', body, 'a.b', 'a.b is 1'],
    ['a response that is a text', 'hello', 'a.b', 'the response is "hello"'],
    ['a key that objects inherit', {}, 'constructor.name', 'the response is an empty object'],
    [
      'keys as they are, with their control characters',
      { '\u001b[2J': 1, '\u202ename': 2 },
      'x',
      'the response is an object with the keys \u001b[2J, \u202ename',
    ],
  ];
  for (const [title, value, path, says] of rows) {
    it(`says ${title}`, () => {
      expect(whatStandsAt(value, path)).to.satisfy(
        (text: string) => text.includes(says),
        whatStandsAt(value, path),
      );
    });
  }

  it('lists 8 keys of an object of 100,000, and counts the others', () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]));
    expect(whatStandsAt(many, 'name')).to.match(/the keys (k\d+, ){8}and 99992 more$/);
  });

  it('cuts a long value', () => {
    expect(whatStandsAt({ a: 'x'.repeat(10_000) }, 'a.b').length).to.be.below(300);
  });

  it('answers at once for bodies that were made to be slow', () => {
    const deep = `${'{"name":['.repeat(5_000)}${']}'.repeat(5_000)}`;
    const wide = JSON.stringify(
      Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${i}`.repeat(15), i])),
    );
    for (const text of [deep, wide, deep.slice(0, 40_000), '['.repeat(65_536)]) {
      const began = performance.now();
      expect(whatStandsAt(parseJsonPrefix(text) as JsonValue, 'customer.name').length).to.be.below(2_000);
      expect(performance.now() - began).to.be.below(2_000);
    }
  });

  it('answers at once for all assignments of a webhook that miss in an object with long keys', () => {
    const keys = Array.from({ length: 900 }, (_, index) => `${index}`.padEnd(60, 'customer_name'));
    const near = createNearPath(Object.fromEntries(keys.map((key) => [key, 1])));
    const began = performance.now();
    for (let index = 0; index < 64; index += 1) expect(near(`customer_name_${index}`).elsewhere).to.be.empty;
    // It takes about 10 ms. To compare each key with each name in a table takes seconds.
    expect(performance.now() - began).to.be.below(500);
  });
});
