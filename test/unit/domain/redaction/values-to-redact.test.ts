import { expect } from 'chai';
import {
  fixedValuesToRedact,
  redactsCallValues,
  valuesToRedact,
} from '../../../../src/domain/redaction/values-to-redact.ts';
import { compileRequest } from '../../../../src/domain/template/compile-request.ts';

const CONFIG = {
  assignments: [],
  responseTimeoutSecs: 10,
  failurePolicy: null,
  signingSecretNames: [],
};

describe('valuesToRedact', () => {
  it('returns the values of sensitive headers and parameters, decoded', () => {
    const url = 'https://a.example/key?api_key=a%20b&q=1&accessToken=x%3Dy&key';
    const requestHeaders = {
      Authorization: 'Bearer t',
      Accept: '*/*',
      'Idempotency-Key': 'i',
      AccessToken: 'u',
    };
    const compiled = compileRequest({ ...CONFIG, apiSchema: { method: 'POST', url, requestHeaders } });
    const headers = { authorization: 'Bearer t', accept: '*/*', 'idempotency-key': 'i', accesstoken: 'u' };
    expect(valuesToRedact(compiled, { url, headers })).to.deep.equal(['Bearer t', 'u', 'a b', 'x=y']);
  });
});

describe('fixedValuesToRedact', () => {
  it('returns the literals and secrets of sensitive headers and parameters', () => {
    const secrets = { S: 'a-secret' };
    const requestHeaders = { Authorization: 'Bearer {{secret.S}}', 'X-V': '{{v}}' };
    const compiled = compileRequest({
      ...CONFIG,
      apiSchema: { method: 'POST', url: 'https://a.example/{{v}}?api_key=k&q={{v}}', requestHeaders },
    });
    expect(redactsCallValues(compiled)).to.equal(false);
    expect(fixedValuesToRedact(compiled, secrets)).to.deep.equal([`Bearer ${secrets.S}`, 'k']);
  });

  it('returns the header of auth, and all other values where that header lacks its secret', () => {
    const method = { kind: 'basic', username: '{{secret.U}}', password: '{{secret.P}}' } as const;
    const url = 'https://a.example/?api_key=k';
    const compiled = compileRequest({
      ...CONFIG,
      apiSchema: { method: 'POST', url, requestHeaders: { 'X-Token': 'literal' }, auth: { method } },
    });
    const pair = Buffer.from('u:p').toString('base64');
    expect(fixedValuesToRedact(compiled, { U: 'u', P: 'p' })).to.deep.equal([
      'literal',
      `Basic ${pair}`,
      'k',
    ]);
    expect(fixedValuesToRedact(compiled, {})).to.deep.equal(['literal', 'k']);
  });
});
