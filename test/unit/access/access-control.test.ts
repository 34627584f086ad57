import { expect } from 'chai';
import { createAccessControl } from '../../../src/access/access-control.ts';
import { hashToken } from '../../../src/access/api-tokens.ts';

const GET = '/callhooks.v1.AgentAdmin/GetAgent';
const decide = createAccessControl([
  { name: 'reader', role: 'viewer', sha256: hashToken('read-me') },
  { name: 'owner', role: 'admin', sha256: hashToken('rule-me') },
]);

describe('createAccessControl', () => {
  const allowed: [title: string, authorization: string, caller: string][] = [
    ['a token', 'Bearer read-me', 'reader'],
    ['another token', 'Bearer rule-me', 'owner'],
    ['a scheme in small letters', 'bearer read-me', 'reader'],
    ['several blanks before the token', 'BEARER   read-me', 'reader'],
  ];
  for (const [title, authorization, caller] of allowed) {
    it(`allows ${title}, and names it`, () => {
      expect(decide(GET, authorization)).to.deep.include({ refusal: undefined, caller });
    });
  }

  const refused: [title: string, authorization: string | undefined, refusal: string][] = [
    ['a request without the header', undefined, 'no_token'],
    ['an empty header', '', 'unknown_token'],
    ['another token', 'Bearer read-mE', 'unknown_token'],
    ['the beginning of a token', 'Bearer read-m', 'unknown_token'],
    ['a token with an end too many', 'Bearer read-me2', 'unknown_token'],
    ['a token with a blank behind it', 'Bearer read-me ', 'unknown_token'],
    ['two tokens', 'Bearer read-me rule-me', 'unknown_token'],
    ['a token without its scheme', 'read-me', 'unknown_token'],
    ['another scheme', 'Basic read-me', 'unknown_token'],
    ['the hash in place of the token', `Bearer ${hashToken('read-me').toString('hex')}`, 'unknown_token'],
    ['the name in place of the token', 'Bearer reader', 'unknown_token'],
    ['a token of a megabyte', `Bearer ${'x'.repeat(1024 * 1024)}`, 'unknown_token'],
  ];
  for (const [title, authorization, refusal] of refused) {
    it(`refuses ${title}`, () => {
      expect(decide(GET, authorization)).to.deep.equal({ refusal, caller: undefined });
    });
  }

  it('names the token whose role does not include the method', () => {
    expect(decide('/callhooks.v1.AgentAdmin/DeleteAgent', 'Bearer read-me')).to.deep.equal({
      refusal: 'role_not_allowed',
      caller: 'reader',
    });
  });

  it('leaves a method that the table does not list to admin', () => {
    const path = '/callhooks.v1.AgentAdmin/GetEverything';
    expect(decide(path, 'Bearer read-me').refusal).to.equal('role_not_allowed');
    expect(decide(path, 'Bearer rule-me').refusal).to.equal(undefined);
  });

  it('allows everybody to ask for the health, with any header', () => {
    for (const authorization of [undefined, 'Bearer wrong'])
      expect(decide('/grpc.health.v1.Health/Check', authorization)).to.deep.equal({
        refusal: undefined,
        caller: undefined,
      });
  });
});
