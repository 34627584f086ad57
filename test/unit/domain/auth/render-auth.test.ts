import { expect } from 'chai';
import type { AuthMethod } from '../../../../src/domain/auth/endpoint-auth.ts';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { fixedValuesToRedact, redactsCallValues } from '../../../../src/domain/redaction/values-to-redact.ts';
import { compileRequest } from '../../../../src/domain/template/compile-request.ts';
import { maskedRender, renderRequest } from '../../../../src/domain/template/render-request.ts';
import { createPlaceholderValues } from '../../../../src/domain/template/render-template.ts';

function compile(method: AuthMethod) {
  return compileRequest({
    apiSchema: { url: 'https://a.example/', method: 'POST', requestHeaders: {}, auth: { method } },
    assignments: [],
    responseTimeoutSecs: 10,
    failurePolicy: 'proceed',
    signingSecretNames: [],
  });
}

function valuesOf(variables: Record<string, JsonValue>, secrets: Record<string, string> = {}) {
  return createPlaceholderValues({
    webhookType: 'pre_call',
    agentUuid: 'a',
    conversationUuid: 'c',
    details: { callerPhone: '', metadata: {}, dynamicVariables: {} },
    variables,
    secrets,
  });
}

const BASIC: AuthMethod = { kind: 'basic', username: '{{u}}', password: '{{p}}' };
const BEARER: AuthMethod = { kind: 'bearer', token: '{{t}}' };

describe('the authorization header of auth', () => {
  const written: [title: string, AuthMethod, Record<string, JsonValue>, string][] = [
    // The examples of RFC 7617, 2 and 2.1.
    ['the pair', BASIC, { u: 'Aladdin', p: 'open sesame' }, 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ['a pair in UTF-8', BASIC, { u: 'test', p: '123£' }, 'Basic dGVzdDoxMjPCow=='],
    ['a password with colons', BASIC, { u: 'bob', p: 'pä:ss' }, 'Basic Ym9iOnDDpDpzcw=='],
    ['an empty password', BASIC, { u: 'key', p: '' }, 'Basic a2V5Og=='],
    ['an empty username', BASIC, { u: '', p: 'pat' }, 'Basic OnBhdA=='],
    ['a token', BEARER, { t: 'a~b+c/d==' }, 'Bearer a~b+c/d=='],
    [
      'a token of several parts',
      { kind: 'bearer', token: '{{a}}.{{b}}-x' },
      { a: 1, b: 'b' },
      'Bearer 1.b-x',
    ],
  ];
  for (const [title, method, variables, value] of written)
    it(`has ${title}`, () => {
      const rendering = renderRequest(compile(method), valuesOf(variables));
      expect(rendering.ok && rendering.request.headers).to.deep.equal({ authorization: value });
    });

  const failures: [title: string, AuthMethod, Record<string, JsonValue>, string][] = [
    ['a colon in the username', BASIC, { u: 'a:b', p: 'c' }, 'auth.basic.username would have a colon'],
    [
      'a control character in the username',
      BASIC,
      { u: 'a\u0085', p: 'c' },
      'auth.basic.username would have a control character',
    ],
    [
      'a line break in the password',
      BASIC,
      { u: 'a', p: 'c\n' },
      'auth.basic.password would have a control character',
    ],
    [
      'neither username nor password',
      BASIC,
      { u: '', p: '' },
      'auth.basic would have no username and no password',
    ],
    [
      'a lone surrogate',
      BASIC,
      { u: 'a', p: '\ud800' },
      'auth.basic.password: the value of p has a lone surrogate',
    ],
    [
      'more than 8 KiB',
      BASIC,
      { u: 'x'.repeat(4000), p: 'x'.repeat(4000) },
      'header "authorization" is larger than 8192 bytes',
    ],
    ['an empty token', BEARER, { t: '' }, 'auth.bearer.token would be empty'],
    ['a missing token', BEARER, {}, 'auth.bearer.token would be empty'],
    [
      'a token with a line break',
      BEARER,
      { t: 'a\r\nx-evil: 1' },
      'auth.bearer.token would have a blank, a control character or one outside of ASCII',
    ],
  ];
  for (const [title, method, variables, message] of failures)
    it(`fails as RENDER for ${title}`, () => {
      const rendering = renderRequest(compile(method), valuesOf(variables));
      expect(rendering.ok || rendering.failure).to.deep.include({ code: 'RENDER', message, sent: 'no' });
    });

  it('is masked whole in records, whatever it holds', () => {
    for (const method of [BASIC, BEARER, { kind: 'bearer', token: 'literal' } as const])
      expect(maskedRender(compile(method), valuesOf({ u: 'a', p: 'b', t: 'c' })).headers).to.deep.equal({
        authorization: '••••••',
      });
  });

  it('is looked for in responses: once where it is fixed, in each call where it is not', () => {
    const fixed = compile({ kind: 'basic', username: 'bob', password: '{{secret.P}}' });
    expect(redactsCallValues(fixed)).to.equal(false);
    expect(fixedValuesToRedact(fixed, { P: 'pass-word' })).to.deep.equal(['Basic Ym9iOnBhc3Mtd29yZA==']);
    expect(redactsCallValues(compile(BEARER))).to.equal(true);
  });
});
