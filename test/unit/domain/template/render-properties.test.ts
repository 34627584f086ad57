import { expect } from 'chai';
import fc from 'fast-check';
import { compileRequest } from '../../../../src/domain/template/compile-request.ts';
import {
  fixedValuesToRedact,
  valuesToRedact,
  redactsCallValues,
} from '../../../../src/domain/redaction/values-to-redact.ts';
import {
  maskedRender,
  renderRequest,
  type Rendering,
} from '../../../../src/domain/template/render-request.ts';
import { createPlaceholderValues } from '../../../../src/domain/template/render-template.ts';
import type { ApiSchema } from '../../../../src/domain/agent.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';

/** Values that try to break out of the place where they land. */
const hostile = fc.constantFrom(
  '..',
  '.',
  '%2e',
  '%2E.',
  '/',
  '//',
  '\\',
  '?',
  '#',
  '&',
  '=',
  '%',
  '@',
  ':',
  'a.example',
  '\r\n',
  '\n',
  '\0',
  '\t',
  '"',
  '\\"',
  '","x":"',
  '{{v}}',
  '{{secret.S}}',
  '\\{{',
  '}}',
  ']]>',
  '-->',
  '<x>',
  "'",
  ' ',
  '+',
  ';',
  'é',
  '€',
  '😀',
  '\ud800',
  '\u2028',
  '__proto__',
  '',
);
const text = fc.oneof(
  fc.array(hostile, { maxLength: 4 }).map((all) => all.join('')),
  fc.string({ unit: 'binary' }),
);
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 3, arbitrary: text },
  fc.jsonValue({ maxDepth: 3 }).map((json) => json as JsonValue),
);

const SECRETS = { S: 'a-secret-that-nobody-named' };

const compile = (schema: Partial<ApiSchema>) =>
  compileRequest({
    apiSchema: { url: 'https://a.example/', method: 'POST', requestHeaders: {}, ...schema },
    assignments: [],
    responseTimeoutSecs: 10,
    failurePolicy: null,
    signingSecretNames: [],
  });

const valuesOf = (variables: JsonObject) =>
  createPlaceholderValues({
    webhookType: 'pre_call',
    agentUuid: 'a',
    conversationUuid: 'c',
    details: { callerPhone: '', metadata: {}, dynamicVariables: {} },
    variables,
    secrets: SECRETS,
  });

const render = (schema: Partial<ApiSchema>, variables: JsonObject): Rendering =>
  renderRequest(compile(schema), valuesOf(variables));

const asText = (json: JsonValue): string => {
  if (json === null) return '';
  return typeof json === 'object' ? JSON.stringify(json) : String(json);
};

describe('renderRequest, for any value', () => {
  it('keeps the origin, the path segments and the parameters of a URL', () => {
    const url = 'https://a.example:8443/v1/{{v}}/x{{w}}y/%{{v}}?a={{v}}&b={{w}}{{v}}&c';
    fc.assert(
      fc.property(value, value, (v, w) => {
        const result = render({ url }, { v, w });
        if (!result.ok) {
          expect(result.failure.code).to.equal('RENDER');
          return;
        }
        const sent = new URL(result.request.url);
        expect(sent.origin).to.equal('https://a.example:8443');
        expect([sent.username, sent.password, sent.hash]).to.deep.equal(['', '', '']);
        expect(sent.pathname.split('/').map(decodeURIComponent)).to.deep.equal([
          '',
          'v1',
          asText(v),
          `x${asText(w)}y`,
          `%${asText(v)}`,
        ]);
        const parameters = sent.search
          .slice(1)
          .split('&')
          .map((pair) => pair.split('=').map(decodeURIComponent));
        expect(parameters).to.deep.equal([['a', asText(v)], ['b', asText(w) + asText(v)], ['c']]);
        expect(sent.href.replaceAll('%27', "'")).to.equal(result.request.url);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps the JSON value of a whole leaf and the text of joined text, and renders no placeholder in it', () => {
    fc.assert(
      fc.property(value, (v) => {
        const result = render(
          { requestBody: { whole: '{{v}}', list: ['a {{v}} "b"', 1], last: true } },
          { v },
        );
        if (!result.ok) {
          expect(result.failure.message).to.contain('surrogate');
          return;
        }
        const sent: unknown = JSON.parse(result.request.body ?? '');
        // ECMAScript's JSON can't write -0.
        const whole: unknown = JSON.parse(JSON.stringify(v));
        expect(sent).to.deep.equal({ whole, list: [`a ${asText(v)} "b"`, 1], last: true });
        expect(result.request.body).not.to.contain('a-secret-that-nobody-named');
      }),
      { numRuns: 1000 },
    );
  });

  it('writes no line break, no control character and nothing beyond Latin-1 into a header', () => {
    fc.assert(
      fc.property(value, (v) => {
        const result = render({ requestHeaders: { 'X-V': 'a {{v}} b' } }, { v });
        if (!result.ok) {
          expect(result.failure.message).to.contain('"x-v"');
          return;
        }
        const sent = result.request.headers['x-v'] ?? '';
        expect(sent).to.equal(`a ${asText(v)} b`);
        expect([...sent].every((character) => /[ -~\u00a0-\u00ff]/.test(character))).to.equal(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('writes one field of a form', () => {
    const requestHeaders = { 'Content-Type': 'application/x-www-form-urlencoded' };
    fc.assert(
      fc.property(value, (v) => {
        for (const requestBody of [{ a: '{{v}}', b: 'x{{v}}', c: 1 }, 'a={{v}}&b=x{{v}}&c=1']) {
          const result = render({ requestHeaders, requestBody }, { v });
          if (!result.ok) return;
          const fields = [...new URLSearchParams(result.request.body)];
          expect(fields).to.deep.equal([
            ['a', asText(v)],
            ['b', `x${asText(v)}`],
            ['c', '1'],
          ]);
        }
      }),
    );
  });

  it('writes text into XML', () => {
    const requestHeaders = { 'Content-Type': 'application/xml' };
    fc.assert(
      fc.property(value, (v) => {
        const result = render({ requestHeaders, requestBody: '<a b="{{v}}">{{v}}</a>' }, { v });
        if (!result.ok) return;
        const [, attribute = '', content = ''] =
          /^<a b="([^"<>]*)">([^<>]*)<\/a>$/.exec(result.request.body ?? '') ?? [];
        const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
        const read = (xml: string) => xml.replace(/&(\w+);/g, (_, name: string) => named[name] ?? '?');
        expect([read(attribute), read(content)]).to.deep.equal([asText(v), asText(v)]);
      }),
    );
  });
});

const redactedTemplate = fc.constantFrom(
  '',
  'x',
  '{{v}}',
  'Bearer {{v}}',
  '{{secret.S}}',
  'x{{secret.S}}{{v}}',
  'a {{secret.S}}',
);
const redactedSchema = fc.record({
  url: fc
    .tuple(
      fc.constantFrom('', 'a/{{v}}', '{{w}}'),
      fc.array(
        fc.tuple(fc.constantFrom('q', 'token', 'api{{w}}', '{{v}}', '{{secret.S}}'), redactedTemplate),
        {
          maxLength: 2,
        },
      ),
    )
    .map(([path, query]) => `https://a.example/${path}?${query.map((pair) => pair.join('=')).join('&')}`),
  requestHeaders: fc.dictionary(
    fc.constantFrom('X-A', 'Accept', 'X-Api-Key', 'authorization'),
    redactedTemplate,
  ),
  requestBody: fc.oneof(redactedTemplate, fc.dictionary(fc.constantFrom('a', 'token'), redactedTemplate)),
});
const redactedValue = fc.oneof(value, fc.constantFrom<JsonValue>('_key', 'token', '=', 'a=b'));

describe('maskedRender, for any request', () => {
  it('takes over from a rendered request only the parts that it would write itself', () => {
    fc.assert(
      fc.property(redactedSchema, redactedValue, redactedValue, (apiSchema, v, w) => {
        const compiled = compile(apiSchema);
        const values = valuesOf({ v, w });
        const result = renderRequest(compiled, values);
        if (!result.ok) return;
        const { bodyBytes, ...masked } = maskedRender(compiled, values, result.request);
        expect(masked).to.deep.equal(maskedRender(compiled, values));
        const { body } = result.request;
        expect(bodyBytes).to.equal(body === undefined ? undefined : Buffer.byteLength(body));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('fixedValuesToRedact, for any request', () => {
  it('returns a part of the values to redact, and all of them when none comes from the call', () => {
    fc.assert(
      fc.property(redactedSchema, redactedValue, redactedValue, (apiSchema, v, w) => {
        const compiled = compile(apiSchema);
        const result = renderRequest(compiled, valuesOf({ v, w }));
        if (!result.ok) return;
        const all = new Set(valuesToRedact(compiled, result.request));
        const fixed = new Set(fixedValuesToRedact(compiled, SECRETS));
        expect([...fixed].filter((text) => !all.has(text))).to.deep.equal([]);
        if (!redactsCallValues(compiled)) expect(fixed).to.deep.equal(all);
      }),
      { numRuns: 1000 },
    );
  });
});
