import { expect } from 'chai';
import { formatApiToken, hashToken, newToken, parseApiTokens } from '../../../src/access/api-tokens.ts';

const SHA = hashToken('a token').toString('hex');
const OTHER = hashToken('another').toString('hex');

describe('parseApiTokens', () => {
  it('returns each entry, separated by commas or white space', () => {
    const { tokens, problems } = parseApiTokens(`ci:viewer:${SHA}, platform-2:lifecycle:${OTHER}\n`);
    expect(problems).to.deep.equal([]);
    expect(tokens.map(formatApiToken)).to.deep.equal([`ci:viewer:${SHA}`, `platform-2:lifecycle:${OTHER}`]);
  });

  it('reads a hash in capital letters', () => {
    expect(parseApiTokens(`ci:admin:${SHA.toUpperCase()}`).tokens[0]?.sha256).to.deep.equal(
      hashToken('a token'),
    );
  });

  const refused: [title: string, text: string, problem: RegExp][] = [
    ['a text without an entry', ' , ', /holds no token/],
    ['an entry without a role', SHA, /entry 1 is not name:role:sha256/],
    ['an entry with a part too many', `ci:viewer:${SHA}:x`, /entry 1 is not/],
    ['a name with a slash', `c/i:viewer:${SHA}`, /entry 1 has a bad name/],
    ['an empty name', `:viewer:${SHA}`, /entry 1 has a bad name/],
    ['an unknown role', `ci:root:${SHA}`, /entry 1 \(ci\) has no role of viewer, lifecycle, admin/],
    ['a name that objects inherit as a role', `ci:constructor:${SHA}`, /has no role/],
    ['a token in place of its hash', 'ci:viewer:callhooks_hunter2', /does not end with a SHA-256/],
    ['a hash that is too short', `ci:viewer:${SHA.slice(2)}`, /64 hex digits/],
    ['a name that is given twice', `ci:viewer:${SHA} ci:admin:${OTHER}`, /the name ci is given twice/],
    ['a token under two names', `a:viewer:${SHA} b:admin:${SHA}`, /a and b are the same token/],
  ];
  for (const [title, text, problem] of refused) {
    it(`refuses ${title}`, () => {
      const { problems } = parseApiTokens(text);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(problem);
      expect(problems[0]).not.to.contain('hunter2');
    });
  }

  it('returns every problem', () => {
    expect(parseApiTokens(`a:b:c d:viewer:${SHA} e`).problems).to.have.length(2);
  });
});

describe('newToken', () => {
  it('returns a different token of 256 random bits each time', () => {
    const [one, other] = [newToken(), newToken()];
    expect(one).to.match(/^callhooks_[\w-]{43}$/);
    expect(one).not.to.equal(other);
  });
});
