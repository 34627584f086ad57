import { NEEDS_BODY, type Expected, type Row } from './httpbin-row.ts';

function base64(text: string | Uint8Array) {
  return Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Returns a path that answers with exactly these bytes. */
function bytesPath(bytes: string | Uint8Array) {
  return `/base64/decode/${base64(bytes)}?content-type=application%2Fjson`;
}

function asIs(json: string, expect: Expected, title: string): Row {
  return {
    title,
    path: bytesPath(json),
    assign: { x: 'x' },
    expect,
  };
}

export const CODINGS: readonly Row[] = ['/gzip', '/deflate'].flatMap((path) => [
  {
    title: `decodes ${path} when it needs the body`,
    path,
    method: 'GET' as const,
    assign: { x: 'method' },
    expect: { assigned: { x: 'GET' }, body: /"method": "GET"/ },
  },
  {
    title: `decodes ${path} for the record when it does not need the body`,
    path,
    method: 'GET' as const,
    expect: { status: 200, body: /"method": "GET"/ },
  },
  { title: `succeeds with ${path} after a call`, path, type: 'post_call' as const, expect: { status: 200 } },
]);

export const SIZES: readonly Row[] = ['/bytes', '/stream-bytes'].flatMap((path) => [
  {
    title: `fails as RESPONSE_TOO_LARGE for 262,145 bytes of ${path} when it needs the body`,
    path: `${path}/262145`,
    assign: NEEDS_BODY,
    expect: { failure: 'RESPONSE_TOO_LARGE', sent: 'yes', status: 200 } as const,
  },
  {
    title: `fails as INVALID_RESPONSE for 262,144 bytes of ${path}, which are no JSON`,
    path: `${path}/262144?seed=1`,
    assign: NEEDS_BODY,
    expect: { failure: 'INVALID_RESPONSE', sent: 'yes', bodyBinary: true } as const,
  },
  {
    title: `succeeds with a large body of ${path} when it does not need it`,
    path: `${path}/1000000`,
    expect: { status: 200, truncated: true },
  },
]);

export const NO_JSON: readonly Row[] = [
  ...(
    [
      ['/html', /it begins with "<!DOCTYPE html>.*; its Content-Type is "text\/html; charset=utf-8"$/],
      ['/xml', /it begins with "<\?xml version='1\.0'.*; its Content-Type is "application\/xml"$/],
      ['/encoding/utf8', /it begins with "<h1>Unicode Demo<\/h1>/],
      ['/robots.txt', /it begins with "User-agent: \*\\n.*; its Content-Type is "text\/plain/],
      ['/deny', /it begins with/],
      ['/image/png', /is not valid UTF-8; its Content-Type is "image\/png"$/],
      ['/stream/3', /behind its value stands .* at line 2, column 1/],
      ['/jsonl?count=3', /behind its value stands .* at line 2, column 1/],
      ['/sse?count=2&duration=1ms', /it begins with "event: /],
    ] as const
  ).map(([path, message]) => ({
    title: `fails as INVALID_RESPONSE for ${path} when it needs JSON`,
    path,
    method: 'GET' as const,
    assign: NEEDS_BODY,
    expect: { failure: 'INVALID_RESPONSE', sent: 'yes', message } as const,
  })),
  {
    title: 'succeeds with a page when it does not need the body',
    path: '/html',
    expect: { status: 200, body: /^<!DOCTYPE html>/ },
  },
  {
    title: 'records UTF-8 cut between two characters',
    path: '/encoding/utf8',
    method: 'GET',
    expect: { body: /∮ E⋅da = Q/, truncated: true },
  },
  asIs('{"x": 1', { failure: 'INVALID_RESPONSE' }, 'fails as INVALID_RESPONSE for JSON that ends early'),
  asIs("{'x': 1}", { failure: 'INVALID_RESPONSE' }, 'fails as INVALID_RESPONSE for single quotes'),
  asIs('{"x": NaN}', { failure: 'INVALID_RESPONSE' }, 'fails as INVALID_RESPONSE for NaN'),
  asIs(
    '{"x": 1e999}',
    { failure: 'INVALID_RESPONSE' },
    'fails as INVALID_RESPONSE for a number that is not finite',
  ),
  asIs('[]', { missed: ['not_found'] }, 'finds nothing in a list'),
  asIs('"x"', { missed: ['not_found'] }, 'finds nothing in a string'),
  asIs('\uFEFF{"x": "bom"}', { assigned: { x: 'bom' } }, 'ignores one byte order mark'),
  asIs(
    '{"x": 9007199254740993}',
    { assigned: { x: '9007199254740993' } },
    'keeps the digits of a large integer',
  ),
  asIs('{"x": "\\ud800"}', { assigned: { x: '\uFFFD' } }, 'replaces a lone surrogate'),
  asIs(
    `{"x": ${'['.repeat(63)}${']'.repeat(63)}}`,
    { missed: ['too_deep'] },
    'reads JSON of depth 64, and assigns no value deeper than 24',
  ),
  asIs(
    `{"x": ${'['.repeat(64)}${']'.repeat(64)}}`,
    { failure: 'INVALID_RESPONSE' },
    'fails as INVALID_RESPONSE for JSON of depth 65',
  ),
  asIs(
    `{"x": ${JSON.stringify('a'.repeat(2_500))}}`,
    { assigned: { x: 'a'.repeat(2_500) } },
    'assigns a long text',
  ),
  {
    title: 'fails as INVALID_RESPONSE for bytes that are no UTF-8',
    path: bytesPath(Uint8Array.from([0x7b, 0x22, 0x78, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])),
    assign: NEEDS_BODY,
    expect: { failure: 'INVALID_RESPONSE', bodyBinary: true },
  },
];

export const ASSIGNMENTS: readonly Row[] = [
  {
    title: 'assigns values by nested paths, with their types',
    path: '/json',
    method: 'GET',
    assign: {
      x: 'slideshow.slides.1.items.0',
      y: 'slideshow.slides.0',
      z: 'slideshow.slides.1.items',
      none: 'slideshow.slides.2.title',
    },
    expect: {
      assigned: {
        x: 'Why <em>WonderWidgets</em> are great',
        y: { title: 'Wake up to WonderWidgets!', type: 'all' },
        z: ['Why <em>WonderWidgets</em> are great', 'Who <em>buys</em> WonderWidgets'],
      },
      missed: ['not_found'],
    },
  },
  {
    title: 'assigns the value of a literal key before that of a path',
    path: '/user-agent',
    assign: { x: 'user-agent' },
    expect: { body: /callhooks\// },
  },
  {
    title: 'counts null as missing',
    path: '/anything',
    assign: { x: 'json' },
    expect: { assigned: {}, missed: ['is_null'] },
  },
  ...(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).map((method) => ({
    title: `sends ${method}`,
    path: `/${method.toLowerCase()}`,
    method,
    assign: { x: 'method' },
    expect: { assigned: { x: method } },
  })),
  {
    title: 'sends a form',
    path: '/post',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: { phone: '{{caller_phone}}', note: 'a b&c=ü' },
    assign: { x: 'form.phone.0', y: 'form.note.0' },
    expect: { assigned: { x: '+49 30 & more', y: 'a b&c=ü' } },
  },
  {
    title: 'sends a text',
    path: '/post',
    body: 'called by {{caller_phone}}',
    assign: { x: 'data', y: 'headers.Content-Type.0' },
    expect: { assigned: { x: 'called by +49 30 & more', y: 'text/plain; charset=utf-8' } },
  },
  {
    title: 'sends JSON with its types',
    path: '/post',
    body: { phone: '{{caller_phone}}', list: [1, true, null, { deep: 'x{{caller_phone}}y' }] },
    assign: { x: 'json' },
    expect: {
      assigned: { x: { phone: '+49 30 & more', list: [1, true, null, { deep: 'x+49 30 & morey' }] } },
    },
  },
  {
    title: 'escapes values in path and query',
    path: '/anything/{{caller_phone}}?phone={{caller_phone}}',
    assign: { x: 'args.phone.0' },
    expect: { assigned: { x: '+49 30 & more' }, body: /anything\/%2B49%2030%20%26%20more/ },
  },
  {
    title: 'reads a response with trailers',
    path: '/trailers?checksum=1',
    assign: { x: 'method' },
    expect: { assigned: { x: 'POST' } },
  },
  {
    title: 'records a response without its cookies',
    path: '/response-headers?Set-Cookie=session%3Dvalue&X-Seen=yes&X-Auth-Token=hidden-value',
    method: 'GET',
    expect: { headers: { 'set-cookie': undefined, 'x-seen': 'yes', 'x-auth-token': undefined } },
  },
];

export const AUTHENTICATION: readonly Row[] = [
  {
    title: 'authenticates with a bearer token from a secret',
    path: '/bearer',
    headers: { Authorization: 'Bearer {{secret.TOKEN}}' },
    assign: { x: 'authenticated' },
    expect: { assigned: { x: true }, body: /"token": "••••••"/ },
  },
  {
    title: 'fails as HTTP_STATUS without its token',
    path: '/bearer',
    expect: { failure: 'HTTP_STATUS', status: 401 },
  },
  {
    title: 'authenticates with a literal basic header',
    path: '/basic-auth/desk/open-sesame',
    headers: { Authorization: `Basic ${Buffer.from('desk:open-sesame').toString('base64')}` },
    assign: { x: 'authenticated', y: 'user' },
    expect: { assigned: { x: true, y: 'desk' } },
  },
  {
    title: 'fails as HTTP_STATUS with another password',
    path: '/basic-auth/desk/open-sesame',
    headers: { Authorization: `Basic ${Buffer.from('desk:nothing').toString('base64')}` },
    expect: { failure: 'HTTP_STATUS', status: 401 },
  },
  {
    title: 'fails as HTTP_STATUS for a digest challenge',
    path: '/digest-auth/auth/desk/sesame',
    expect: { failure: 'HTTP_STATUS', status: 401 },
  },
];
