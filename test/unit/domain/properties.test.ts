import { expect } from 'chai';
import fc from 'fast-check';
import { assign } from '../../../src/domain/assignments.ts';
import { validateAgent } from '../../../src/domain/validation/validate-agent.ts';
import { validateCallDetails } from '../../../src/domain/validation/validate-call-details.ts';
import {
  validateWebhookConfig,
  type WebhookConfigContext,
} from '../../../src/domain/validation/validate-webhook-config.ts';
import { compileRequest } from '../../../src/domain/template/compile-request.ts';
import { jsonDepth } from '../../../src/domain/json.ts';
import { jsonBytes } from '../../../src/domain/json-size.ts';
import { decodePageToken, encodePageToken } from '../../../src/grpc/page-tokens.ts';
import { readResponse } from '../../../src/domain/response-json.ts';
import { MASK } from '../../../src/domain/redaction/redact.ts';
import type { JsonObject, JsonValue } from '../../../src/domain/json.ts';
import { parseUpdateMask } from '../../../src/domain/update-mask.ts';
import { toDraft, type WebhookConfigDraft } from '../../../src/domain/webhook-draft.ts';

// Texts that often are nearly right: pieces of what the rules speak about, joined.
const piece = fc.constantFrom(
  ...[
    '{{',
    '}}',
    '{{v}}',
    '{{ v }}',
    '{{secret.S}}',
    '{{metadata.a.0}}',
    '\\{{',
    '\\',
    '/',
    '?',
    '#',
    '@',
    ':',
    '%',
    '%2e',
  ],
  ...[
    'https://',
    'http:',
    'api.example.com',
    ':0',
    '..',
    '.',
    'a',
    'é',
    '\t',
    '\ud800',
    '\0',
    MASK,
    'v',
    '__proto__',
  ],
);
const text = fc.oneof(
  fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const url = fc.oneof(
  text,
  fc
    .tuple(fc.constantFrom('https://api.example.com/', 'http://x', 'https://x/a?b='), text)
    .map((parts) => parts.join('')),
);
const readBody = (body: Uint8Array) => readResponse({ status: 200, headers: [], body });
const badNumber = fc.constantFrom(NaN, Infinity, -0, 1e300);
const json: fc.Arbitrary<JsonValue> = fc.letrec<{ node: JsonValue }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), badNumber),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(text, tie('node'), { maxKeys: 4 }) as fc.Arbitrary<JsonObject>,
  ),
})).node;
const headerName = fc.oneof(text, fc.constantFrom('X-A', 'x-a', 'Content-Type', 'Authorization', 'Host'));
const headerValue = fc.oneof(
  text,
  fc.constantFrom(
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    MASK,
  ),
);

const draft: fc.Arbitrary<WebhookConfigDraft> = fc.record({
  apiSchema: fc.oneof(
    fc.constant(undefined),
    fc.record({
      url,
      method: fc.oneof(fc.constantFrom('get', 'POST', 'Delete', 'TRACE'), text),
      requestHeaders: fc.dictionary(headerName, headerValue, { maxKeys: 4 }),
      requestBody: fc.oneof(fc.constant(undefined), fc.constant({}), json),
    }),
  ),
  assignments: fc.array(
    fc.record({
      source: fc.oneof(fc.constantFrom('', 'response'), text),
      attributeName: text,
      dynamicVariable: fc.oneof(fc.constant('v'), text),
      required: fc.boolean(),
      defaultValue: fc.oneof(fc.constant(undefined), json),
    }),
    { maxLength: 3 },
  ),
  responseTimeoutSecs: fc.oneof(fc.constantFrom(0, 0.1, 60), fc.double()),
  failurePolicy: fc.constantFrom('unspecified', 'proceed', 'block', 'unknown'),
  signingSecretNames: fc.array(fc.oneof(fc.constant('S'), text), { maxLength: 5 }),
});

// A right configuration with one part drawn at random: most of what is accepted comes from here.
const nearly: fc.Arbitrary<WebhookConfigDraft> = fc
  .tuple(draft, fc.constantFrom('url', 'method', 'requestHeaders', 'requestBody', 'assignments', 'none'))
  .map(([drawn, part]) => {
    const schema = {
      url: 'https://api.example.com/{{v}}',
      method: 'POST',
      requestHeaders: {},
      requestBody: undefined,
    };
    const other = drawn.apiSchema ?? schema;
    return {
      apiSchema: part in schema ? { ...schema, [part]: other[part as keyof typeof schema] } : schema,
      assignments: part === 'assignments' ? drawn.assignments : [],
      responseTimeoutSecs: 0,
      failurePolicy: 'unspecified',
      signingSecretNames: [],
    };
  });

const context = (type: 'pre_call' | 'post_call', isStored: boolean): WebhookConfigContext => ({
  webhookType: type,
  path: 'webhook_config',
  declaredVariables: new Set(['v']),
  secretNames: new Set(['S']),
  storedHeaders: new Set(isStored ? ['authorization'] : []),
  storedOrigin: isStored ? 'https://api.example.com' : undefined,
});
const contexts = fc.tuple(fc.constantFrom('pre_call' as const, 'post_call' as const), fc.boolean());

describe('for any input', () => {
  it('checkWebhookConfig does not throw, and what it accepts passes again unchanged and compiles', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(draft, nearly), contexts, (given, [type, isStored]) => {
        const { config, violations } = validateWebhookConfig(given, context(type, isStored));
        if (violations.length > 0) return;
        accepted += 1;
        const again = validateWebhookConfig(toDraft(config), context(type, isStored));
        expect(again).to.deep.equal({ config, violations: [] });
        compileRequest(config);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).to.be.greaterThan(100);
  });

  it('checkWebhookConfig finds no more when it looks at fewer fields', () => {
    const fields = fc.uniqueArray(fc.constantFrom(...parseUpdateMask(['*'], 'webhook').mask));
    fc.assert(
      fc.property(draft, contexts, fields, (given, [type, isStored], looked) => {
        const all = validateWebhookConfig(given, context(type, isStored)).violations;
        const checked: WebhookConfigContext['checked'] = (field) => looked.includes(field);
        const some = validateWebhookConfig(given, { ...context(type, isStored), checked }).violations;
        expect(all).to.deep.include.members([...some]);
      }),
      { numRuns: 500 },
    );
  });

  it('checkAgentDraft and validateCallDetails do not throw, and what they accept passes again unchanged', () => {
    const names = fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', 'constructor', '__proto__'), text), json, {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(names, text, (variables, phone) => {
        const given = { displayName: phone, dynamicVariables: variables as JsonObject, webhooks: [] };
        const { agent, violations } = validateAgent(given, { secretNames: new Set() });
        if (violations.length === 0) {
          const again = validateAgent({ ...agent, webhooks: [] }, { secretNames: new Set() });
          expect(again).to.deep.equal({ agent, violations: [] });
        }
        const details = {
          callerPhone: phone,
          metadata: variables as JsonObject,
          dynamicVariables: variables as JsonObject,
        };
        const checked = validateCallDetails(details);
        if (checked.violations.length === 0)
          expect(validateCallDetails(checked.details)).to.deep.equal(checked);
      }),
      { numRuns: 1000 },
    );
  });

  it('readJsonBody does not throw, and reads what is JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          text.map((it) => Buffer.from(it)),
        ),
        (bytes) => {
          readBody(bytes);
        },
      ),
    );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
        const body = JSON.stringify(value);
        const expected: unknown = JSON.parse(body);
        const isPlain = !/\\u|__proto__|[0-9]{16}/.test(body);
        const read = readBody(Buffer.from(body));
        expect(read.ok).to.equal(true);
        if (isPlain && read.ok) expect(read.value).to.deep.equal(expected);
      }),
    );
  });

  it('readJsonBody reads numbers as if each literal were looked at', () => {
    const literal = fc.constantFrom(
      ...[
        '-0',
        '-0.0',
        '-0e1',
        '-0.0E-2',
        '0',
        '-1',
        '1.5',
        '1e5',
        '1E+5',
        '2.5e-7',
        '1e999',
        '-1.5E+400',
        '5e-999',
      ],
      ...['9007199254740991', '9007199254740993', '-9007199254740993', '1234567890123456', '123456789012345'],
      ...['12345678901234567.0', '0.12345678901234567890', `1${'0'.repeat(400)}`, '-12345678901234567890'],
      ...['"3e8f-0"', '": -0,"', '"1e999"', '"[1234567890123456"', 'null', '[]', '{"a":1}'],
    );
    const gap = fc.constantFrom('', '', ' ', '\n', '\t', '\r\n');
    const padded = fc.tuple(gap, literal, gap).map((parts) => parts.join(''));
    const body = fc.oneof(
      padded,
      fc.array(padded, { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      fc
        .array(padded, { maxLength: 3 })
        .map((items) => `{${items.map((item, i) => `"k${i}":${item}`).join(',')}}`),
    );
    fc.assert(
      fc.property(body, (json) => {
        let isFinite = true;
        const expected: unknown = JSON.parse(json, ((_key, value: unknown, context?: { source?: string }) => {
          if (typeof value !== 'number' || value === 0) return value === 0 ? 0 : value;
          if (!Number.isSafeInteger(value) && /^-?[0-9]+$/.test(context?.source ?? ''))
            return context?.source;
          isFinite &&= Number.isFinite(value);
          return value;
        }) as (key: string, value: unknown) => unknown);
        const read = readBody(Buffer.from(json));
        expect(read.ok).to.equal(isFinite);
        if (read.ok) expect(read.value).to.deep.equal(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('readJsonBody gives every integer its digits', () => {
    fc.assert(
      fc.property(fc.bigInt(), (integer) => {
        const read = readBody(Buffer.from(`{"a":[${integer}]}`));
        const safe = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
        expect(read).to.deep.equal({ ok: true, value: { a: [safe ? Number(integer) : String(integer)] } });
      }),
    );
  });

  it('assign keeps every value and the conversation within their limits', () => {
    const rule = fc.record({
      attributeName: fc.constantFrom('a', 'b', 'a.b', 'a.0', 'c'),
      dynamicVariable: fc.constantFrom('a', 'b', 'c', 'd'),
      required: fc.constant(false),
    });
    const long = fc.integer({ min: 0, max: 20_000 }).map((length) => 'x'.repeat(length));
    const body = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(json, long, fc.array(long, { maxLength: 3 })),
    );
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 8 }),
        body,
        fc.integer({ min: 200_000, max: 262_000 }),
        (rules, found, size) => {
          const before: JsonObject = { big: 'x'.repeat(size) };
          const result = assign(rules, found, before);
          if (!result.ok) throw new Error('nothing is required');
          expect(jsonBytes({ ...before, ...result.assigned })).to.be.at.most(262_144);
          for (const value of Object.values(result.assigned)) {
            expect(jsonBytes(value)).to.be.at.most(16_384);
            expect(jsonDepth(value)).to.be.at.most(24);
          }
          expect(Object.keys(result.sources)).to.deep.equal(Object.keys(result.assigned));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('parseUpdateMask does not throw, and what it accepts is within the closed list', () => {
    const path = fc.oneof(
      text,
      fc.constantFrom('*', 'webhook_config', 'disabled', 'etag', 'webhooks', 'toString'),
    );
    fc.assert(
      fc.property(fc.array(path), fc.constantFrom('webhook' as const, 'agent' as const), (paths, kind) => {
        const { mask, violations } = parseUpdateMask(paths, kind);
        const all = parseUpdateMask(['*'], kind).mask;
        expect([...mask].filter((field) => !all.has(field))).to.deep.equal([]);
        if (violations.length === 0) expect(mask.size).to.be.greaterThan(0);
      }),
    );
  });

  it('decodePageToken does not throw, and takes back what was given out', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.base64String()), (token) => {
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
