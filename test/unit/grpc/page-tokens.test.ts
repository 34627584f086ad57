import { expect } from 'chai';
import fc from 'fast-check';
import { decodePageToken, encodePageToken } from '../../../src/grpc/page-tokens.ts';
import type { JsonValue } from '../../../src/domain/json.ts';
import { nearlyRightText } from '../../support/arbitrary-drafts.ts';

const KEY = [1_790_000_000_000, '0199a0b0-0000-7000-8000-000000000001'];
const FILTER = ['executions', { agentUuid: 'a', states: ['failed'] }];

describe('encodePageToken and decodePageToken', () => {
  const keys: JsonValue[] = [KEY, '0199a0b0-0000-7000-8000-000000000001', null, 0, { a: 'é😀' }];
  for (const key of keys) {
    it(`return the key ${JSON.stringify(key)}`, () => {
      expect(decodePageToken(encodePageToken(key, FILTER), FILTER)).to.deep.equal(key);
    });
  }

  const filters: JsonValue[] = [
    ['webhooks', FILTER[1] ?? null],
    ['executions', { agentUuid: 'b', states: ['failed'] }],
    ['executions', { agentUuid: 'a', states: [] }],
    null,
  ];
  for (const filter of filters) {
    it(`refuse a token of another filter: ${JSON.stringify(filter)}`, () => {
      expect(decodePageToken(encodePageToken(KEY, FILTER), filter)).to.equal(undefined);
    });
  }

  it('make tokens that need no escape in a URL', () => {
    expect(encodePageToken({ a: '???>>>~~~ÿÿ' }, FILTER)).to.match(/^[\w-]+$/);
  });

  it('refuse a token with a changed character', () => {
    const token = encodePageToken(KEY, FILTER);
    for (let i = 0; i < token.length - 1; i += 1) {
      const changed = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1);
      expect(decodePageToken(changed, FILTER), changed).to.equal(undefined);
    }
  });

  const garbage = ['', 'x', '!!!!', 'AAAAAAAAAAAA', '\ud800', 'A'.repeat(4_000_000), 'eyJhIjoxfQ'];
  for (const token of garbage) {
    it(`refuse the text ${JSON.stringify(token.slice(0, 12))}`, () => {
      expect(decodePageToken(token, FILTER)).to.equal(undefined);
    });
  }

  it('refuse a key that is too long for a token', () => {
    expect(() => encodePageToken('x'.repeat(2000), FILTER)).to.throw(RangeError);
  });

  it('bring back any key, and any other text is no token', () => {
    fc.assert(
      fc.property(fc.oneof(nearlyRightText, fc.base64String()), (token) => {
        expect(decodePageToken(token, ['filter'])).to.equal(undefined);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
        const key = JSON.parse(JSON.stringify(value)) as JsonValue;
        fc.pre(JSON.stringify(key).length < 500);
        expect(decodePageToken(encodePageToken(key, ['filter']), ['filter'])).to.deep.equal(key);
      }),
    );
  });
});
