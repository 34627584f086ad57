import { expect } from 'chai';
import { toTokenRequest, type ClientCredentials } from '../../../../src/domain/auth/token-request.ts';

function credentialsOf(change: Partial<ClientCredentials> = {}): ClientCredentials {
  return {
    tokenUrl: 'https://login.example/token',
    clientId: 'crm',
    clientSecret: 'hunter2',
    scopes: [],
    audience: '',
    clientAuthMethod: 'basic',
    ...change,
  };
}

function requestOf(change: Partial<ClientCredentials> = {}) {
  return toTokenRequest(credentialsOf(change), 'callhooks/1');
}

describe('toTokenRequest', () => {
  it('posts the grant as a form, and id and secret as a Basic header', () =>
    expect(requestOf()).to.deep.equal({
      method: 'POST',
      url: 'https://login.example/token',
      headers: {
        'user-agent': 'callhooks/1',
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${btoa('crm:hunter2')}`,
      },
      body: 'grant_type=client_credentials',
    }));

  it('posts id and secret in the form, without a Basic header, by the method post', () => {
    const { headers, body } = requestOf({ clientAuthMethod: 'post' });
    expect(headers).to.not.have.property('authorization');
    expect(body).to.equal('grant_type=client_credentials&client_id=crm&client_secret=hunter2');
  });

  it('joins scopes with blanks, and adds the audience', () =>
    expect(
      requestOf({ scopes: ['calls.read', 'calls.write'], audience: 'https://api.example/' }).body,
    ).to.equal(
      'grant_type=client_credentials&scope=calls.read+calls.write&audience=https%3A%2F%2Fapi.example%2F',
    ));

  // RFC 6749, appendix B: the example of form encoding.
  it('encodes id and secret as in a form before base64', () => {
    const { authorization = '' } = requestOf({ clientId: ' %&+£€', clientSecret: 'a:b c"ü*~' }).headers;
    expect(atob(authorization.replace('Basic ', ''))).to.equal(
      '+%25%26%2B%C2%A3%E2%82%AC:a%3Ab+c%22%C3%BC*%7E',
    );
  });

  it('encodes id and secret once in the form', () => {
    const { body } = requestOf({ clientAuthMethod: 'post', clientId: 'a&b=c', clientSecret: '100% +€' });
    expect(Object.fromEntries(new URLSearchParams(body))).to.deep.equal({
      grant_type: 'client_credentials',
      client_id: 'a&b=c',
      client_secret: '100% +€',
    });
  });
});
