import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/domain/json.ts';
import { anyAuthDraft, anyHmacDraft } from './arbitrary-auth.ts';
import { MASK } from '../../src/domain/redaction/redact.ts';
import type { WebhookConfigDraft } from '../../src/domain/webhook-draft.ts';

/** Lists the pieces of text that the rules of webhook configurations name. */
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
/** Generates texts that are often nearly right, because they are joined from such pieces. */
export const nearlyRightText = fc.oneof(
  fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const url = fc.oneof(
  nearlyRightText,
  fc
    .tuple(fc.constantFrom('https://api.example.com/', 'http://x', 'https://x/a?b='), nearlyRightText)
    .map((parts) => parts.join('')),
);
const badNumber = fc.constantFrom(NaN, Infinity, -0, 1e300);
/** Generates JSON values of such texts, also with numbers that JSON can't write. */
export const awkwardJson: fc.Arbitrary<JsonValue> = fc.letrec<{ node: JsonValue }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(nearlyRightText, fc.integer(), fc.boolean(), fc.constant(null), badNumber),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(nearlyRightText, tie('node'), { maxKeys: 4 }) as fc.Arbitrary<JsonObject>,
  ),
})).node;
const headerName = fc.oneof(
  nearlyRightText,
  fc.constantFrom('X-A', 'x-a', 'Content-Type', 'Authorization', 'Host'),
);
const headerValue = fc.oneof(
  nearlyRightText,
  fc.constantFrom(
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    MASK,
  ),
);

const secretName = fc.oneof(fc.constant('S'), nearlyRightText);

/** Generates configurations of which every part is drawn at random. */
export const anyDraft: fc.Arbitrary<WebhookConfigDraft> = fc.record({
  apiSchema: fc.oneof(
    fc.constant(undefined),
    fc.record({
      url,
      method: fc.oneof(fc.constantFrom('get', 'POST', 'Delete', 'TRACE'), nearlyRightText),
      requestHeaders: fc.dictionary(headerName, headerValue, { maxKeys: 4 }),
      requestBody: fc.oneof(fc.constant(undefined), fc.constant({}), awkwardJson),
      auth: fc.option(anyAuthDraft(nearlyRightText, secretName), { nil: undefined, freq: 2 }),
      maxRedirects: fc.option(fc.nat(4), { nil: undefined }),
    }),
  ),
  assignments: fc.array(
    fc.record({
      source: fc.oneof(fc.constantFrom('', 'response'), nearlyRightText),
      attributeName: nearlyRightText,
      dynamicVariable: fc.oneof(fc.constant('v'), nearlyRightText),
      required: fc.boolean(),
      defaultValue: fc.oneof(fc.constant(undefined), awkwardJson),
    }),
    { maxLength: 3 },
  ),
  responseTimeoutSecs: fc.oneof(fc.constantFrom(0, 0.1, 60), fc.double()),
  failurePolicy: fc.constantFrom('unspecified', 'proceed', 'block', 'unknown'),
  signingSecretNames: fc.array(secretName, { maxLength: 5 }),
  hmacSignature: fc.option(anyHmacDraft(nearlyRightText, secretName), { nil: undefined, freq: 2 }),
});

/** Generates valid configurations with one part drawn at random. Most accepted configurations come from here. */
export const nearlyValidDraft: fc.Arbitrary<WebhookConfigDraft> = fc
  .tuple(
    anyDraft,
    fc.constantFrom(
      ...['url', 'method', 'requestHeaders', 'requestBody', 'auth', 'assignments', 'hmacSignature', 'none'],
    ),
  )
  .map(([drawn, part]) => {
    const schema = {
      url: 'https://api.example.com/{{v}}',
      method: 'POST',
      requestHeaders: {},
      requestBody: undefined,
      auth: undefined,
    };
    const other = drawn.apiSchema ?? schema;
    return {
      apiSchema: part in schema ? { ...schema, [part]: other[part as keyof typeof schema] } : schema,
      assignments: part === 'assignments' ? drawn.assignments : [],
      responseTimeoutSecs: 0,
      failurePolicy: 'unspecified',
      signingSecretNames: [],
      hmacSignature: part === 'hmacSignature' ? drawn.hmacSignature : undefined,
    };
  });
