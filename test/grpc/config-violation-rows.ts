import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Partially } from '../support/rpc.ts';
import { configOf, nested, POST_CALL } from '../support/samples.ts';
import { long, many, MASK, type Row } from './violation-rows.ts';

/** Returns rows for a message that has a `WebhookConfig` at `path`, of an agent that declares `x` and has the secret `s`. */
export function configRows(
  wrap: (config: Partially<pb.WebhookConfig>, type?: pb.WebhookType) => object,
  path: string,
): Row[] {
  const schema = (change: Partially<pb.ApiSchema>) => wrap(configOf(change));
  const more = (change: Partially<pb.WebhookConfig>) => wrap(configOf({}, change));
  const headers = (requestHeaders: Record<string, string>) => schema({ requestHeaders });
  const rule = (change: Partially<pb.Assignment>) =>
    more({ assignments: [{ attributeName: 'a', dynamicVariable: 'x', ...change }] });
  const url = `${path}.api_schema.url`;
  const header = (name: string) => `${path}.api_schema.request_headers[${name}]`;
  const body = `${path}.api_schema.request_body`;
  const auth = `${path}.api_schema.auth`;
  const rejection = (change: Partially<pb.RejectionRule>) => more({ rejection: change });
  const inRejection = (name: string) => `${path}.rejection.${name}`;
  const basic = (value: pb.Basic, more: Partially<pb.ApiSchema> = {}) =>
    schema({ auth: { method: { $case: 'basic', value } }, ...more });
  const hmac = (change: Partially<pb.HmacSignature>, apiSchema: Partially<pb.ApiSchema> = {}) =>
    wrap(configOf(apiSchema, { hmacSignature: { secretName: 's', header: 'X-Signature', ...change } }));
  const hmacField = (name: string) => `${path}.hmac_signature.${name}`;
  const bearer = (token: string, more: Partially<pb.ApiSchema> = {}) =>
    schema({ auth: { method: { $case: 'bearer', value: { token } } }, ...more });
  const oauth2 = (change: Partially<pb.OAuth2ClientCredentials>, more: Partially<pb.ApiSchema> = {}) => {
    const right = { tokenUrl: 'https://a.example/token', clientId: 'c', clientSecret: '{{secret.s}}' };
    return schema({ auth: { method: { $case: 'oauth2', value: { ...right, ...change } } }, ...more });
  };
  return [
    ['no api_schema', wrap({}), [`${path}.api_schema`]],
    ['an empty api_schema', wrap({ apiSchema: {} }), [url, `${path}.api_schema.method`]],
    ['a URL that is none', schema({ url: 'not a url' }), [url]],
    ['a URL of another scheme', schema({ url: 'ftp://api.example.com/' }), [url]],
    ['a URL with userinfo', schema({ url: 'https://user:pass@api.example.com/' }), [url]],
    ['a URL with a fragment', schema({ url: 'https://api.example.com/#a' }), [url]],
    ['a URL with a placeholder in its host', schema({ url: 'https://{{x}}.example.com/' }), [url]],
    ['a URL with single braces', schema({ url: 'https://api.example.com/{tenant}' }), [url]],
    ['a URL with an unknown secret', schema({ url: 'https://api.example.com/{{secret.nope}}' }), [url]],
    ['a URL with a secret in its host', schema({ url: 'https://{{secret.s}}.example.com/' }), [url]],
    ['a URL with an unknown variable', schema({ url: 'https://api.example.com/{{nope}}' }), [url]],
    ['a URL of 4,097 bytes', schema({ url: `https://api.example.com/${long(4097 - 24)}` }), [url]],
    ['a URL with port 0', schema({ url: 'https://api.example.com:0/' }), [url]],
    ['a private URL', schema({ url: 'http://10.0.0.1/' }), [url]],
    ['a special-use name', schema({ url: 'http://printer.local/' }), [url]],
    ['an unknown method', schema({ method: 'BREW' }), [`${path}.api_schema.method`]],
    [
      '33 headers',
      headers(Object.fromEntries(many(33, (i) => [`x-${i}`, '1']))),
      [`${path}.api_schema.request_headers`],
    ],
    [
      'a header that callhooks sets',
      headers({ Host: 'x', 'callhooks-test': '1' }),
      [header('Host'), header('callhooks-test')],
    ],
    ['a header name with a blank', headers({ 'a b': '1' }), [header('a b')]],
    ['an empty header name', headers({ '': '1' }), [header('')]],
    [
      'headers that differ by case only',
      headers({ 'X-A': '1', 'x-a': '2' }),
      [`${path}.api_schema.request_headers`],
    ],
    ['a header value with a line break', headers({ 'X-A': 'a\nb' }), [header('X-A')]],
    ['a header value of 4,097 bytes', headers({ 'X-A': long(4097) }), [header('X-A')]],
    ['a broken template in a header', headers({ 'X-A': 'a {{ b c }}' }), [header('X-A')]],
    ['a mask where nothing is stored', headers({ Authorization: MASK }), [header('Authorization')]],
    ['a mask in a header that is not sensitive', headers({ 'X-A': MASK }), [header('X-A')]],
    ['an unknown secret in a header', headers({ 'X-A': '{{secret.nope}}' }), [header('X-A')]],
    [
      'a body that is not finite',
      schema({ requestBody: { a: [NaN], b: Infinity } }),
      [`${body}.a[0]`, `${body}.b`],
    ],
    ['a body with integers beyond 2^53-1', schema({ requestBody: { a: [2 ** 53] } }), [`${body}.a[0]`]],
    ['a body nested deeper than 24', schema({ requestBody: nested(25) }), [`${body}${'.d'.repeat(24)}`]],
    ['a body of 64 KiB and 1', schema({ requestBody: long(64 * 1024 + 1) }), [body]],
    ['placeholders in a key of the body', schema({ requestBody: { '{{x}}': 1 } }), [body]],
    [
      'unknown names in the body',
      schema({ requestBody: { a: '{{nope}}', b: ['{{secret.nope}}'] } }),
      [`${body}.a`, `${body}.b[0]`],
    ],
    ['a body in a GET', schema({ method: 'GET', requestBody: { a: 1 } }), [body]],
    ['a source other than response', rule({ source: 'request' }), [`${path}.assignments[0].source`]],
    ['no attribute_name', rule({ attributeName: '' }), [`${path}.assignments[0].attribute_name`]],
    [
      'an attribute_name of 257 bytes',
      rule({ attributeName: long(257) }),
      [`${path}.assignments[0].attribute_name`],
    ],
    [
      'an attribute_name that finds many',
      rule({ attributeName: 'a[*]' }),
      [`${path}.assignments[0].attribute_name`],
    ],
    [
      'an attribute_name that is a JSON pointer',
      rule({ attributeName: '/a' }),
      [`${path}.assignments[0].attribute_name`],
    ],
    [
      'an attribute_name of 17 segments',
      rule({ attributeName: `$${'[0]'.repeat(17)}` }),
      [`${path}.assignments[0].attribute_name`],
    ],
    [
      'two rules of * and a default of one',
      more({
        assignments: [
          { attributeName: 'a', dynamicVariable: '*' },
          { attributeName: '$', dynamicVariable: '*', defaultValue: {} },
        ],
      }),
      [`${path}.assignments[1].default_value`, `${path}.assignments[1].dynamic_variable`],
    ],
    ['an undeclared target', rule({ dynamicVariable: 'nope' }), [`${path}.assignments[0].dynamic_variable`]],
    [
      'a default of a required rule',
      rule({ required: true, defaultValue: 1 }),
      [`${path}.assignments[0].default_value`],
    ],
    [
      'a default that is not finite',
      rule({ defaultValue: [-Infinity] }),
      [`${path}.assignments[0].default_value[0]`],
    ],
    [
      'a default beyond 2^53-1',
      rule({ defaultValue: { id: -(2 ** 53) } }),
      [`${path}.assignments[0].default_value.id`],
    ],
    [
      'a default over 16 KiB',
      rule({ defaultValue: long(16 * 1024) }),
      [`${path}.assignments[0].default_value`],
    ],
    [
      '65 assignments',
      more({ assignments: many(65, () => ({ attributeName: 'a', dynamicVariable: 'x' })) }),
      [`${path}.assignments`],
    ],
    [
      'assignments of a post-call webhook',
      wrap(configOf({}, { assignments: [{ attributeName: 'a', dynamicVariable: 'x' }] }), POST_CALL),
      [`${path}.assignments`],
    ],
    ['a time limit below 0.1 s', more({ responseTimeoutSecs: 0.05 }), [`${path}.response_timeout_secs`]],
    ['a time limit over 60 s', more({ responseTimeoutSecs: 60.1 }), [`${path}.response_timeout_secs`]],
    ['a negative time limit', more({ responseTimeoutSecs: -1 }), [`${path}.response_timeout_secs`]],
    ['a time limit that is no number', more({ responseTimeoutSecs: NaN }), [`${path}.response_timeout_secs`]],
    ['an endless time limit', more({ responseTimeoutSecs: Infinity }), [`${path}.response_timeout_secs`]],
    ['max_redirects over 3', schema({ maxRedirects: 4 }), [`${path}.api_schema.max_redirects`]],
    ['an unknown failure policy', more({ failurePolicy: 9 as 1 }), [`${path}.failure_policy`]],
    [
      'a failure policy of a post-call webhook',
      wrap(configOf({}, { failurePolicy: 1 }), POST_CALL),
      [`${path}.failure_policy`],
    ],
    [
      'an unknown signing secret',
      more({ signingSecretNames: ['nope'] }),
      [`${path}.signing_secret_names[0]`],
    ],
    [
      'a secret that is none to sign with',
      more({ signingSecretNames: ['s'] }),
      [`${path}.signing_secret_names[0]`],
    ],
    ['an auth without a method', schema({ auth: {} }), [auth]],
    ['auth.basic without username and password', basic({ username: '', password: '' }), [`${auth}.basic`]],
    ['a username with a colon', basic({ username: 'a:b', password: 'c' }), [`${auth}.basic.username`]],
    [
      'control characters in username and password',
      basic({ username: 'a\nb', password: 'a\tb' }),
      [`${auth}.basic.username`, `${auth}.basic.password`],
    ],
    [
      'a username and a password of 4,097 bytes',
      basic({ username: long(4097), password: long(4097) }),
      [`${auth}.basic.username`, `${auth}.basic.password`],
    ],
    [
      'unknown names in auth.basic',
      basic({ username: '{{nope}}', password: '{{secret.nope}}' }),
      [`${auth}.basic.username`, `${auth}.basic.password`],
    ],
    ['a broken template in a password', basic({ username: 'a', password: '{{' }), [`${auth}.basic.password`]],
    [
      'masks of auth where nothing is stored',
      basic({ username: MASK, password: MASK }),
      [`${auth}.basic.username`, `${auth}.basic.password`],
    ],
    ['auth.bearer without a token', bearer(''), [`${auth}.bearer.token`]],
    ['a token with the word Bearer', bearer('Bearer {{secret.s}}'), [`${auth}.bearer.token`]],
    ['a token beyond ASCII', bearer('tökén'), [`${auth}.bearer.token`]],
    ['a token of 4,097 bytes', bearer(long(4097)), [`${auth}.bearer.token`]],
    ['a masked token where none is stored', bearer(MASK), [`${auth}.bearer.token`]],
    [
      'auth.oauth2 without anything in it',
      oauth2({ tokenUrl: '', clientId: '', clientSecret: '' }),
      [`${auth}.oauth2.token_url`, `${auth}.oauth2.client_id`, `${auth}.oauth2.client_secret`],
    ],
    ...[
      'ftp://a.example/',
      'not a url',
      'https://u:p@a.example/',
      'https://a.example/#x',
      'https://{{x}}.example/',
    ].map((tokenUrl): Row => [
      `the token_url ${tokenUrl}`,
      oauth2({ tokenUrl }),
      [`${auth}.oauth2.token_url`],
    ]),
    [
      'a placeholder in token_url',
      oauth2({ tokenUrl: 'https://a.example/{{x}}' }),
      [`${auth}.oauth2.token_url`],
    ],
    [
      'a token endpoint on a private address',
      oauth2({ tokenUrl: 'https://10.0.0.1/token' }),
      [`${auth}.oauth2.token_url`],
    ],
    [
      'a token_url of 4,097 bytes',
      oauth2({ tokenUrl: `https://a.example/${long(4079)}` }),
      [`${auth}.oauth2.token_url`],
    ],
    [
      'unknown names in client_id and client_secret',
      oauth2({ clientId: '{{nope}}', clientSecret: '{{secret.nope}}' }),
      [`${auth}.oauth2.client_id`, `${auth}.oauth2.client_secret`],
    ],
    [
      'a client_id and a client_secret of 4,097 bytes',
      oauth2({ clientId: long(4097), clientSecret: long(4097) }),
      [`${auth}.oauth2.client_id`, `${auth}.oauth2.client_secret`],
    ],
    [
      'a masked client_secret where none is stored',
      oauth2({ clientSecret: MASK }),
      [`${auth}.oauth2.client_secret`],
    ],
    [
      'scopes that are none',
      oauth2({ scopes: ['', 'two words', 'a"b', 'a\\b', 'ä', '{{x}}', long(257), 'a\n', 'right'] }),
      Array.from({ length: 8 }, (_, i) => `${auth}.oauth2.scopes[${i}]`),
    ],
    [
      '33 scopes',
      oauth2({ scopes: Array.from({ length: 33 }, (_, i) => `s${i}`) }),
      [`${auth}.oauth2.scopes`],
    ],
    ...['a\nb', '{{x}}', long(1025)].map((audience): Row => [
      `the audience ${JSON.stringify(audience).slice(0, 10)}`,
      oauth2({ audience }),
      [`${auth}.oauth2.audience`],
    ]),
    [
      'an unknown client_auth_method',
      oauth2({ clientAuthMethod: 77 as pb.ClientAuthMethod }),
      [`${auth}.oauth2.client_auth_method`],
    ],
    [
      'an authorization header beside auth.oauth2',
      oauth2({}, { requestHeaders: { Authorization: 'Bearer x' } }),
      [header('Authorization')],
    ],
    [
      'an authorization header beside auth',
      bearer('{{secret.s}}', { requestHeaders: { AUTHORIZATION: 'Bearer x' } }),
      [header('AUTHORIZATION')],
    ],
    [
      'a Basic header that is no base64',
      headers({ Authorization: 'Basic {{secret.s}}:x' }),
      [header('Authorization')],
    ],
    [
      'an empty client_certificate for an http URL',
      schema({ url: 'http://api.example.com/', auth: { clientCertificate: {} } }),
      [
        `${auth}.client_certificate`,
        `${auth}.client_certificate.certificate_secret_name`,
        `${auth}.client_certificate.private_key_secret_name`,
      ],
    ],
    [
      'a secret that is no client certificate',
      schema({ auth: { clientCertificate: { certificateSecretName: 's', privateKeySecretName: 's' } } }),
      [`${auth}.client_certificate.certificate_secret_name`],
    ],
    ['an empty hmac_signature', more({ hmacSignature: {} }), [hmacField('secret_name'), hmacField('header')]],
    ['an unknown secret of hmac_signature', hmac({ secretName: 'nope' }), [hmacField('secret_name')]],
    ['a signature header with a blank', hmac({ header: 'X Signature' }), [hmacField('header')]],
    ['a signature header of 129 bytes', hmac({ header: long(129) }), [hmacField('header')]],
    ['a signature header that callhooks sets', hmac({ header: 'Webhook-Signature' }), [hmacField('header')]],
    ['a signature in content-type', hmac({ header: 'Content-Type' }), [hmacField('header')]],
    [
      'a signature header that request_headers have too',
      hmac({}, { requestHeaders: { 'x-signature': '1' } }),
      [header('x-signature')],
    ],
    [
      'a signature in the header that auth sets',
      hmac(
        { header: 'Authorization' },
        { auth: { method: { $case: 'bearer', value: { token: '{{secret.s}}' } } } },
      ),
      [hmacField('header')],
    ],
    [
      'unknown enums of hmac_signature',
      hmac({ hashAlgorithm: 9 as 1, encoding: 9 as 1 }),
      [hmacField('hash_algorithm'), hmacField('encoding')],
    ],
    [
      'a header_value without {signature}',
      hmac({ headerValue: 't={timestamp}' }),
      [hmacField('header_value')],
    ],
    [
      'an unknown mark in a header_value',
      hmac({ headerValue: '{signature},{nonce}' }),
      [hmacField('header_value')],
    ],
    ['a placeholder in a header_value', hmac({ headerValue: '{{signature}}' }), [hmacField('header_value')]],
    [
      'a line break in a header_value',
      hmac({ headerValue: '{signature}\nx-evil: 1' }),
      [hmacField('header_value')],
    ],
    [
      '{signature} in a signed_payload',
      hmac({ signedPayload: '{signature}' }),
      [hmacField('signed_payload')],
    ],
    [
      'two bodies in a signed_payload',
      hmac({ signedPayload: '{body}{body}' }),
      [hmacField('signed_payload')],
    ],
    ['a signed_payload without a mark', hmac({ signedPayload: 'body' }), [hmacField('signed_payload')]],
    [
      'texts of 1,025 bytes in hmac_signature',
      hmac({ signedPayload: `{body}${long(1019)}`, headerValue: `{signature}${long(1014)}` }),
      [hmacField('signed_payload'), hmacField('header_value')],
    ],
    ['an empty rejection', rejection({}), [`${path}.rejection`]],
    ['a rejection with a reason alone', rejection({ reasonAttributeName: 'why' }), [`${path}.rejection`]],
    [
      'a rejection of a post-call webhook',
      wrap(configOf({}, { rejection: { httpStatuses: [200, 404] } }), POST_CALL),
      [`${path}.rejection`],
    ],
    [
      'statuses that reject beside 4xx, twice, and below zero',
      rejection({ httpStatuses: [399, 400, 499, 500, 400, -403] }),
      [0, 3, 4, 5].map((at) => inRejection(`http_statuses[${at}]`)),
    ],
    [
      '17 statuses that reject',
      rejection({ httpStatuses: many(17, (i) => 400 + i) }),
      [inRejection('http_statuses')],
    ],
    ['an attribute without equals', rejection({ attributeName: 'a' }), [inRejection('equals')]],
    ['equals without an attribute', rejection({ equals: [1] }), [inRejection('attribute_name')]],
    [
      'attributes of a rejection of 257 bytes',
      rejection({ attributeName: long(257), equals: [1], reasonAttributeName: long(257) }),
      [inRejection('attribute_name'), inRejection('reason_attribute_name')],
    ],
    [
      'attributes of a rejection of 17 segments',
      rejection({
        ...{ attributeName: many(17, () => 'a').join('.'), equals: [1] },
        reasonAttributeName: many(17, () => 'a').join('.'),
      }),
      [inRejection('attribute_name'), inRejection('reason_attribute_name')],
    ],
    [
      'attributes of a rejection that are no paths',
      rejection({ attributeName: 'items[*].a', equals: [1], reasonAttributeName: '/why' }),
      [inRejection('attribute_name'), inRejection('reason_attribute_name')],
    ],
    [
      '17 values that reject',
      rejection({ attributeName: 'a', equals: many(17, (i) => i) }),
      [inRejection('equals')],
    ],
    [
      'values that reject that are large, deep, not finite and beyond 2^53-1',
      rejection({ attributeName: 'a', equals: [long(1023), nested(25), [NaN], 2 ** 53, long(1022), null] }),
      [
        inRejection('equals[0]'),
        inRejection(`equals[1]${'.d'.repeat(24)}`),
        inRejection('equals[2][0]'),
        inRejection('equals[3]'),
      ],
    ],
    ['call_duration in a pre-call webhook', schema({ requestBody: '{{call_duration}}' }), [body]],
  ];
}

/** A configuration that breaks a rule in each of its fields. */
export const EVERYTHING_WRONG: Partially<pb.WebhookConfig> = {
  apiSchema: { url: 'ftp://x', method: 'X', requestHeaders: { host: 'a' }, requestBody: NaN, auth: {} },
  assignments: [
    { source: 'x', attributeName: '', dynamicVariable: 'nope', required: true, defaultValue: NaN },
  ],
  responseTimeoutSecs: -1,
  failurePolicy: 5 as 1,
  signingSecretNames: ['nope'],
  hmacSignature: { headerValue: 'v1' },
  rejection: { httpStatuses: [500], equals: [NaN] },
};

/** Returns the paths of the violations of {@link EVERYTHING_WRONG}. */
export function everythingWrong(path: string): readonly string[] {
  return [
    `${path}.api_schema.url`,
    `${path}.api_schema.method`,
    `${path}.api_schema.request_headers[host]`,
    `${path}.api_schema.request_body`,
    `${path}.api_schema.auth`,
    `${path}.assignments[0].source`,
    `${path}.assignments[0].attribute_name`,
    `${path}.assignments[0].dynamic_variable`,
    `${path}.assignments[0].default_value`,
    `${path}.response_timeout_secs`,
    `${path}.failure_policy`,
    `${path}.signing_secret_names[0]`,
    `${path}.hmac_signature.secret_name`,
    `${path}.hmac_signature.header`,
    `${path}.hmac_signature.header_value`,
    `${path}.rejection.http_statuses[0]`,
    `${path}.rejection.attribute_name`,
    `${path}.rejection.equals[0]`,
  ];
}
