import { expect } from 'chai';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { compileRejection } from '../../../../src/domain/rejection/reject.ts';
import type { RejectionRule } from '../../../../src/domain/rejection/rejection-rule.ts';

function compiled(change: Partial<RejectionRule>) {
  return compileRejection({
    ...{ httpStatuses: [], attributeName: '', equals: [], reasonAttributeName: '' },
    ...change,
  });
}
const noMask = (text: string) => text;

describe('compileRejection', () => {
  const object = { a: 1, b: [true, null], c: { d: 'x' } };
  const rows: [string, JsonValue | undefined, readonly JsonValue[], boolean][] = [
    ['the same text', 'reject', ['accept', 'reject'], true],
    ['a text in another case', 'Reject', ['reject'], false],
    ['a number of the same value', 1, [1.0], true],
    ['a number as text', '1', [1], false],
    ['false', false, [false], true],
    ['0 for false', 0, [false], false],
    ['null for null', null, [null], true],
    ['null for a text', null, ['null'], false],
    ['an empty text for null', '', [null], false],
    ['an object with its members in another order', { c: { d: 'x' }, b: [true, null], a: 1 }, [object], true],
    ['an object with one member more', { ...object, e: 1 }, [object], false],
    ['an object with one member less', { a: 1, b: [true, null] }, [object], false],
    ['a list in another order', [2, 1], [[1, 2]], false],
    ['a list for an object with the same keys', ['a'], [{ 0: 'a' }], false],
    ['no value', undefined, [null, '', {}], false],
  ];
  for (const [title, value, equals, expected] of rows)
    it(`${expected ? 'rejects' : 'does not reject'} ${title}`, () => {
      const rule = compiled({ attributeName: 'result.action', equals });
      const body = { result: value === undefined ? {} : { action: value } };
      expect(rule.rejects(body)).to.equal(expected);
    });

  it('reads both attributes by the paths of assignments', () => {
    const rule = compiled({
      ...{ attributeName: "$.data[-1]['is.blocked']", equals: [true] },
      reasonAttributeName: 'data[0].why',
    });
    const body = { data: [{ why: 'spam' }, { 'is.blocked': true }] };
    expect(rule.rejects(body)).to.equal(true);
    expect(rule.reasonIn(body, noMask)).to.equal('spam');
  });

  it('does not reject when the response holds nothing', () => {
    expect(compiled({ attributeName: 'a', equals: [null] }).rejects(undefined)).to.equal(false);
  });

  it('looks at no more of a large value than an equal one could have', () => {
    const rule = compiled({ attributeName: 'a', equals: ['x'.repeat(1_000), [1]] });
    const large = Array.from({ length: 1_000_000 }, () => 1);
    const item = { get: 0 };
    const watched = new Proxy(large, {
      get: (target, name, receiver) => {
        item.get += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    expect(rule.rejects({ a: watched })).to.equal(false);
    expect(item.get).to.be.below(5_000);
  });

  it('finds the reason by its path, and none without a path', () => {
    const body = { error: { message: 'blocked' } };
    expect(compiled({ reasonAttributeName: 'error.message' }).reasonIn(body, noMask)).to.equal('blocked');
    expect(compiled({ reasonAttributeName: 'error.code' }).reasonIn(body, noMask)).to.equal('');
    expect(compiled({}).reasonIn(body, noMask)).to.equal('');
    expect(compiled({ reasonAttributeName: 'error' }).reasonIn(undefined, noMask)).to.equal('');
  });

  it('says what it needs of a response', () => {
    expect(compiled({ httpStatuses: [403, 404] })).to.deep.include({
      ...{ statuses: new Set([403, 404]), comparesBody: false, hasReason: false },
    });
    expect(compiled({ attributeName: 'a', reasonAttributeName: 'b' })).to.deep.include({
      ...{ statuses: new Set(), comparesBody: true, hasReason: true },
    });
  });
});
