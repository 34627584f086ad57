import { expect } from 'chai';
import {
  isSensitiveName,
  isSensitiveParameter,
  sensitiveLiteralHeaders,
} from '../../../../src/domain/redaction/sensitive-names.ts';

describe('isSensitiveName', () => {
  const sensitive = [
    'Authorization',
    'proxy-authorization',
    'X-Api-Key',
    'api_key',
    'APIKEY',
    'x-apikey',
    'X-Auth',
    'X-Auth-Token',
    'Cookie',
    'Set-Cookie',
    'session',
    'X_SESSION_ID',
    'client-secret',
    'password',
    'x-passwd',
    'X-Hub-Signature',
    'x-webhook-secret',
    'AccessToken',
    'X-AuthToken',
    'apiKey',
    'sessionId',
    'X-MySecret2Key',
  ];
  const open = [
    'Idempotency-Key',
    'webhook-signature',
    'Webhook-Token',
    'X-Keyboard',
    'Content-Type',
    'X-Author',
    'tokens',
    'X-Secretary',
    'www-authenticate',
    '',
    'x-monkey',
    'accesstoken',
    'MonkeyBar',
  ];
  for (const name of sensitive)
    it(`returns true for ${name}`, () => expect(isSensitiveName(name)).to.equal(true));
  for (const name of open)
    it(`returns false for "${name}"`, () => expect(isSensitiveName(name)).to.equal(false));
});

describe('isSensitiveParameter', () => {
  it('finds the names of authorization codes, signatures and HubSpot keys, but no longer names', () => {
    for (const name of ['code', 'CODE', 'sig', 'hapikey', 'c%6fde']) {
      expect(isSensitiveParameter(name), name).to.equal(true);
    }
    for (const name of ['country_code', 'zip-code', 'signal', 'codes']) {
      expect(isSensitiveParameter(name), name).to.equal(false);
    }
  });

  it('finds sensitive parts in camel case, brackets and escapes too', () => {
    for (const name of ['accessToken', 'auth[key]', 'auth%5Bx%5D', 'api.key', 'api_key', 'client%5Fsecret']) {
      expect(isSensitiveParameter(name), name).to.equal(true);
    }
    for (const name of ['page', 'tokens', 'keyboard', '%zz', 'monkeyBar']) {
      expect(isSensitiveParameter(name), name).to.equal(false);
    }
  });
});

const sealedOf = (requestHeaders: Record<string, string>) =>
  sensitiveLiteralHeaders({
    apiSchema: { url: 'https://a.example/', method: 'GET', requestHeaders },
    assignments: [],
    responseTimeoutSecs: 1,
    failurePolicy: null,
    signingSecretNames: [],
  });

describe('sensitiveLiteralHeaders', () => {
  const shown = [
    '{{secret.A}}',
    'Bearer {{secret.A}}',
    'Bearer  {{ secret.A }} ',
    '{{a}}{{b}}',
    'Api-Key {{a}} {{b}}',
  ];
  const hidden = [
    '',
    'Bearer',
    'Bearer abc',
    'abc{{a}}',
    '{{a}}abc',
    'sk_live_1 {{a}}',
    'a b {{a}}',
    '{{a}}:{{b}}',
    '\\{{a}}',
    '{{',
    'x={{a}}',
    'Bearer \\{{a}} {{b}}',
    'k1 {{a}}',
  ];
  for (const value of shown)
    it(`leaves out a sensitive header with ${value}`, () =>
      expect(sealedOf({ authorization: value })).to.deep.equal([]));
  for (const value of hidden)
    it(`returns a sensitive header with "${value}"`, () =>
      expect(sealedOf({ authorization: value })).to.deep.equal(['authorization']));

  it('returns the names as they are written, and no other header', () => {
    const requestHeaders = {
      Authorization: 'Bearer abc',
      'X-Token': '{{secret.T}}',
      Accept: 'text/html',
      'X-Api-Key': 'k{{a}}',
      'idempotency-key': 'x',
    };
    expect(sealedOf(requestHeaders)).to.deep.equal(['Authorization', 'X-Api-Key']);
  });
});
