import { expect } from 'chai';
import { compileRequest } from '../../../../src/domain/template/compile-request.ts';
import { maskedRender, renderRequest } from '../../../../src/domain/template/render-request.ts';
import { createPlaceholderValues, type CallValues } from '../../../../src/domain/template/render-template.ts';
import type { Placeholder } from '../../../../src/domain/template/template.ts';
import { MASK } from '../../../../src/domain/redaction/redact.ts';
import type { ApiSchema } from '../../../../src/domain/agent.ts';
import type { JsonObject } from '../../../../src/domain/json.ts';

const compile = (schema: Partial<ApiSchema>) =>
  compileRequest({
    apiSchema: { url: 'https://api.example.com/x', method: 'POST', requestHeaders: {}, ...schema },
    assignments: [],
    responseTimeoutSecs: 10,
    failurePolicy: 'proceed',
    signingSecretNames: [],
  });

const valuesOf = (variables: JsonObject, changes: Partial<CallValues> = {}) =>
  createPlaceholderValues({
    webhookType: 'post_call',
    agentUuid: 'a-1',
    conversationUuid: 'c-1',
    details: { callerPhone: '', metadata: {}, dynamicVariables: {} },
    variables,
    secrets: {},
    ...changes,
  });

const render = (schema: Partial<ApiSchema>, variables: JsonObject, changes: Partial<CallValues> = {}) =>
  renderRequest(compile(schema), valuesOf(variables, changes));

const failureOf = (schema: Partial<ApiSchema>, variables: JsonObject) => {
  const result = render(schema, variables);
  return result.ok ? undefined : result.failure;
};

const LONE = 'a\ud800b';

describe('renderRequest', () => {
  const failures: [title: string, schema: Partial<ApiSchema>, variables: JsonObject, message: RegExp][] = [
    ['a lone surrogate in the path', { url: 'https://a.example/{{v}}' }, { v: LONE }, /URL.* v .*surrogate/],
    ['a lone surrogate in the query', { url: 'https://a.example/?q={{v}}' }, { v: LONE }, /surrogate/],
    ['a lone surrogate in a header', { requestHeaders: { 'X-A': '{{v}}' } }, { v: LONE }, /"x-a".*surrogate/],
    ['a lone surrogate in JSON', { requestBody: { v: '{{v}}' } }, { v: LONE }, /body.*surrogate/],
    [
      'a lone surrogate deep in a whole leaf',
      { requestBody: { v: '{{v}}' } },
      { v: [{ k: [LONE] }] },
      /surrogate/,
    ],
    ['a lone surrogate in a key', { requestBody: { v: '{{v}}' } }, { v: { [LONE]: 1 } }, /surrogate/],
    ['a lone surrogate in joined text', { requestBody: { v: 'x{{v}}' } }, { v: LONE }, /surrogate/],
    ['a lone surrogate in plain text', { requestBody: 'x{{v}}' }, { v: { k: LONE } }, /surrogate/],
    [
      'two halves of a pair from two values',
      { requestBody: '{{a}}{{b}}' },
      { a: '\ud83d', b: '\ude00' },
      /surrogate/,
    ],
    ['a URL of 4,097 bytes', { url: 'https://a.example/?q={{v}}' }, { v: 'x'.repeat(4076) }, /URL.*4096/],
    [
      'a header of 8,193 bytes',
      { requestHeaders: { 'X-A': 'x{{v}}' } },
      { v: 'x'.repeat(8192) },
      /"x-a".*8192/,
    ],
    [
      'a header whose bytes are more than its characters',
      { requestHeaders: { 'X-A': '{{v}}' } },
      { v: 'é'.repeat(4097) },
      /8192/,
    ],
    ['a body over 4 MiB', { requestBody: '{{v}}x' }, { v: 'x'.repeat(4 * 1024 * 1024) }, /body.*4194304/],
    [
      'a body whose bytes are more than its characters',
      { requestBody: '{{v}}' },
      { v: '€'.repeat(1_400_000) },
      /body/,
    ],
  ];
  for (const [title, schema, variables, message] of failures) {
    it(`fails as RENDER for ${title}`, () => {
      const failure = failureOf(schema, variables);
      expect(failure).to.include({ code: 'RENDER', sent: 'no' });
      expect(failure?.message).to.match(message).and.to.have.length.below(200);
    });
  }

  const fits: [title: string, schema: Partial<ApiSchema>, variables: JsonObject][] = [
    ['a URL of 4,096 bytes', { url: 'https://a.example/?q={{v}}' }, { v: 'x'.repeat(4075) }],
    ['a header of 8,192 bytes', { requestHeaders: { 'X-A': '{{v}}' } }, { v: 'é'.repeat(4096) }],
    ['a body of 4 MiB', { requestBody: '{{v}}' }, { v: 'x'.repeat(4 * 1024 * 1024) }],
    ['a surrogate pair', { requestBody: '{{v}}' }, { v: '😀' }],
  ];
  for (const [title, schema, variables] of fits) {
    it(`accepts ${title}`, () => expect(failureOf(schema, variables)).to.equal(undefined));
  }

  it('stops early when many large values would take the memory', () => {
    const requestBody = '{{metadata}}'.repeat(5000);
    const metadata = { text: 'x'.repeat(1024 * 1024) };
    const begun = performance.now();
    const result = render(
      { requestBody },
      {},
      { details: { callerPhone: '', metadata, dynamicVariables: {} } },
    );
    expect(result.ok).to.equal(false);
    expect(performance.now() - begun).to.be.below(500);
  });

  it('adds the default content type as the last header', () => {
    const result = render({ requestHeaders: { 'X-B': '1', 'X-A': '2' }, requestBody: [1] }, {});
    expect(result.ok && Object.entries(result.request.headers)).to.deep.equal([
      ['x-b', '1'],
      ['x-a', '2'],
      ['content-type', 'application/json'],
    ]);
  });

  it('resolves no more values for a URL that is too long already', () => {
    const values = valuesOf({ v: 'x'.repeat(3_000) });
    let resolved = 0;
    const counting = {
      resolve: (placeholder: Placeholder) => {
        resolved += 1;
        return values.resolve(placeholder);
      },
    };
    for (const url of [
      `https://a.example/?${'{{v}}&'.repeat(200)}`,
      `https://a.example${'/{{v}}'.repeat(200)}`,
    ]) {
      resolved = 0;
      expect(renderRequest(compile({ url }), counting)).to.have.nested.property('failure.code', 'RENDER');
      expect(resolved).to.equal(2);
    }
  });

  it('returns the missing names when it fails', () => {
    const result = render({ url: 'https://a.example/{{metadata.id}}/{{caller_phone}}' }, {});
    expect(result).to.deep.include({ ok: false, missing: ['metadata.id', 'caller_phone'] });
  });

  it('renders a URL that holds texts like the stand-ins of its parser', () => {
    const result = render(
      { url: 'https://ph0z.example/ph0z/{{a}}phx1z?PH={{b}}' },
      { a: 'ph0z', b: 'phx0z' },
    );
    expect(result.ok && result.request.url).to.equal('https://ph0z.example/ph0z/ph0zphx1z?PH=phx0z');
  });
});

describe('maskedRender', () => {
  const schema: Partial<ApiSchema> = {
    url: 'https://a.example/?q={{secret.S}}&token=x{{v}}&{{v}}=1',
    requestHeaders: { Authorization: 'Bearer {{v}}', 'X-A': '{{secret.S}}' },
    requestBody: { s: '{{secret.S}}', t: 'x{{secret.S}}', v: '{{v}}', m: '{{secret.NONE}}' },
  };
  const values = valuesOf({ v: 'api_key' }, { secrets: { S: 's3cr3t' } });

  it('masks secrets and the values of sensitive names, and nothing else', () => {
    const masked = maskedRender(compile(schema), values);
    expect(masked).to.deep.equal({
      method: 'POST',
      url: `https://a.example/?q=${MASK}&token=${MASK}&api_key=${MASK}`,
      headers: { authorization: MASK, 'x-a': MASK, 'content-type': 'application/json' },
      body: `{"s":"${MASK}","t":"x${MASK}","v":"api_key","m":null}`,
    });
  });

  it('returns the size of the body that is really sent', () => {
    const compiled = compile(schema);
    const rendered = renderRequest(compiled, values);
    if (!rendered.ok) throw new Error(rendered.failure.message);
    expect(maskedRender(compiled, values, rendered.request).bodyBytes).to.equal(
      rendered.request.body?.length,
    );
  });

  it('takes over a body without secrets instead of writing it again', () => {
    const compiled = compile({ requestBody: '{{v}}' });
    const request = { method: 'POST', url: 'https://a.example/', headers: {}, body: 'as sent' };
    expect(maskedRender(compiled, values, request)).to.include({ body: 'as sent', bodyBytes: 7 });
  });

  it('masks a request even when it can not be sent', () => {
    const compiled = compile({
      url: 'https://a.example/{{v}}',
      requestHeaders: { 'X-A': '{{v}}' },
      requestBody: '{{v}}',
    });
    const masked = maskedRender(compiled, valuesOf({ v: LONE }));
    expect(masked).to.include({ url: 'https://a.example/', body: '' });
  });
});
