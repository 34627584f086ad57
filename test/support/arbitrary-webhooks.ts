import fc from 'fast-check';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { anyAuth, anyHmac } from './arbitrary-auth.ts';
import { anyJson, anyText, goodJson } from './arbitrary-json.ts';
import type { Partially } from './rpc.ts';

/** Lists the variables that agents of random tests declare. */
export const VARIABLES = ['x', 'y', 'customer_name', 'toString', 'V_2'] as const;

/** Generates a good value, and a bad one once in 25 times. */
export function mostly<T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 24, arbitrary: good }, { weight: 1, arbitrary: bad });
}

const placeholder = fc.constantFrom(
  '{{x}}',
  '{{ y.a.0 }}',
  '{{customer_name}}',
  '{{toString}}',
  '{{caller_phone}}',
  '{{agent_uuid}}',
  '{{metadata.direction}}',
  '{{metadata}}',
  '{{secret.token}}',
  '\\{{ as it is }}',
);
const template = fc.oneof(
  placeholder,
  fc.tuple(fc.constantFrom('', 'a', 'Bearer ', '%7B'), placeholder).map((parts) => parts.join('')),
  fc.constantFrom('plain', '', 'with "quotes"', '😀'),
);

// Each of these has a part that a careless parser takes for the host.
function decoyUrl(good: string): fc.Arbitrary<string> {
  return fc.constantFrom(
    `${good}@169.254.169.254/`,
    `http://user:pass@${good.slice(7)}/`,
    'http://169.254.169.254/latest/meta-data',
    'http://[::ffff:127.0.0.1]/',
    'http://0x7f000001/',
    'http://2130706433:1/',
    'http://127.1:0/',
    'http://localhost:1/',
    'http://internal/',
    'http:///x',
    'http:\\\\127.0.0.1\\x',
    'http://{{x}}.example.com/',
    'http://example.com:{{x}}/',
    `${good}#fragment`,
    'http://{{secret.token}}.example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//example.com',
    'http://exa\tmple.com/',
    'http://①②⑦.0.0.1/',
    'http://[::1%25eth0]/',
    'http://a..b/',
    `http://${'a'.repeat(300)}.example/`,
  );
}

function goodUrl(base: string): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom('', '/', '/pre', '/a/{{x}}', '/{{agent_uuid}}/b', '/hooks/{{secret.token}}'),
      fc.constantFrom('', '?q={{customer_name}}', '?token={{secret.token}}&x=%20'),
    )
    .map((parts) => base + parts.join(''));
}

const headers = fc.dictionary(
  mostly(
    fc.constantFrom('X-Plan', 'Authorization', 'x-api-key', 'Accept', 'idempotency-key'),
    fc.oneof(fc.constantFrom('Host', 'callhooks-test', 'Content-Length', 'TE', 'x-plan'), anyText),
  ),
  mostly(template, fc.oneof(anyText, fc.constant('••••••'))),
  { maxKeys: 3 },
);
const contentType = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { 'Content-Type': 'application/json' },
  { 'content-type': 'application/x-www-form-urlencoded' },
  { 'Content-Type': 'text/plain' },
  { 'Content-Type': 'application/xml; charset=UTF-8' },
);

const body: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.dictionary(fc.constantFrom('a', 'b', 'c'), template, { maxKeys: 3 }) },
  { weight: 1, arbitrary: fc.array(template, { maxLength: 3 }) },
  { weight: 1, arbitrary: template },
  { weight: 1, arbitrary: mostly(goodJson, anyJson) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

const attribute = mostly(
  fc.constantFrom(
    ...['a', 'b', 'a.0', 'a.b.1', 'toString', 'items.0.sku', 'length'],
    ...['$', 'items[0].sku', 'items[-1]["sku"]', "$['a.b.1']"],
  ),
  fc.oneof(fc.constantFrom('__proto__', 'constructor.name', 'a..b', '', 'a.01', '.', 'a[*]', '/a'), anyText),
);
const assignment: fc.Arbitrary<Partially<pb.Assignment>> = fc.record(
  {
    source: mostly(fc.constantFrom('', 'response'), anyText),
    attributeName: attribute,
    dynamicVariable: mostly(fc.constantFrom(...VARIABLES, '*'), anyText),
    required: fc.boolean(),
    assignNull: fc.boolean(),
    skipEmpty: fc.boolean(),
    defaultValue: mostly(fc.oneof(fc.constant(undefined), goodJson), anyJson),
  },
  { requiredKeys: ['attributeName', 'dynamicVariable'] },
);

const rejection: fc.Arbitrary<Partially<pb.RejectionRule> | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.record({
      httpStatuses: fc.uniqueArray(mostly(fc.integer({ min: 400, max: 499 }), fc.integer()), {
        maxLength: 4,
      }),
      attributeName: attribute,
      equals: fc.array(mostly(goodJson, anyJson), { minLength: 1, maxLength: 3 }),
      reasonAttributeName: mostly(fc.constantFrom('', 'why', 'error.message'), anyText),
    }),
  },
);

const seconds = mostly(
  fc.constantFrom(0, 0.1, 1, 0.3333333333333333, 60),
  fc.oneof(fc.constantFrom(-0, -1, 0.09, 60.1, NaN, Infinity, 1e-320), fc.double()),
);

/** Generates a configuration that goes to `base`, and its type. Both are good, or broken in any of their fields. */
export function anyTyped(
  base: string,
): fc.Arbitrary<{ webhookType: pb.WebhookType; webhookConfig: Partially<pb.WebhookConfig> }> {
  return fc
    .tuple(
      mostly(fc.constantFrom(1, 2), fc.integer()) as fc.Arbitrary<pb.WebhookType>,
      anyConfig(base),
      mostly(fc.constant(true), fc.constant(false)),
    )
    .map(([webhookType, config, fits]) => ({
      webhookType,
      webhookConfig:
        fits && webhookType === 2
          ? { ...config, assignments: [], failurePolicy: 0 as const, rejection: undefined }
          : config,
    }));
}

const secretName = mostly(fc.constantFrom('token', 'signing'), anyText);

function anyConfig(base: string): fc.Arbitrary<Partially<pb.WebhookConfig>> {
  return fc.record(
    {
      apiSchema: fc.record(
        {
          url: mostly(goodUrl(base), fc.oneof(decoyUrl(base), anyText)),
          method: mostly(fc.constantFrom('POST', 'put', 'Patch', 'GET', 'DELETE'), anyText),
          requestHeaders: fc.tuple(headers, contentType).map(([some, type]) => ({ ...some, ...type })),
          requestBody: body,
          auth: anyAuth(mostly(template, anyText), secretName),
          maxRedirects: mostly(fc.nat(3), fc.nat()),
        },
        { requiredKeys: ['url', 'method'] },
      ),
      assignments: fc.array(assignment, { maxLength: 3 }),
      responseTimeoutSecs: seconds,
      failurePolicy: mostly(fc.constantFrom(0, 0, 1, 2), fc.integer()) as fc.Arbitrary<pb.FailurePolicy>,
      signingSecretNames: mostly(
        fc.constantFrom<string[]>([], [], ['signing'], ['token'], ['signing', 'signing']),
        fc.array(anyText, { maxLength: 6 }),
      ),
      rejection,
      hmacSignature: anyHmac(anyText, secretName),
    },
    { requiredKeys: ['apiSchema'] },
  );
}
