import type { FailureCode, Sent } from '../../src/domain/failures.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import type { MissReason } from '../../src/domain/execution.ts';

/** A webhook against go-httpbin and what must come of it. */
export interface Row {
  /** `it` + this: a sentence. */
  readonly title: string;
  /** Path and query at go-httpbin. */
  readonly path: string;
  readonly type?: 'post_call';
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonValue;
  /** Variable → attribute of the response. */
  readonly assign?: Readonly<Record<string, string>>;
  readonly limitSecs?: number;
  /** Milliseconds that the caller of OnCallStart gives. */
  readonly deadlineMs?: number;
  readonly expect: Expected;
}

/** What must come of it; what is absent is not looked at. */
export interface Expected {
  /** Absent: it succeeds. */
  readonly failure?: FailureCode;
  readonly sent?: Sent;
  readonly status?: number;
  readonly assigned?: Readonly<Record<string, JsonValue>>;
  readonly missed?: readonly MissReason[];
  readonly message?: RegExp;
  readonly body?: RegExp;
  readonly bodyBinary?: boolean;
  readonly truncated?: boolean;
  /** Recorded headers of the response; undefined: absent. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly timeLimitSource?: 'CONFIG' | 'DEADLINE';
  /** The whole execution takes at most so many milliseconds, by its own timings. */
  readonly withinMs?: number;
}

const NEEDS_BODY = { x: 'needed' };
function base64(text: string | Uint8Array) {
  return Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** A path that answers with exactly these bytes. */
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

const STATUSES: readonly Row[] = [
  ...[200, 201, 202, 206].map((status) => status_(status, {})),
  {
    title: 'takes 204 as found nothing',
    path: '/status/204',
    assign: NEEDS_BODY,
    expect: { status: 204, missed: ['not_found'] },
  },
  {
    title: 'takes an empty 200 as found nothing',
    path: '/status/200',
    assign: NEEDS_BODY,
    expect: { missed: ['not_found'] },
  },
  ...[100, 102, 103].map((status) => status_(status, { status: 200 })),
  ...[300, 301, 302, 303, 304, 305, 307, 308, 399].map((status) =>
    status_(status, { failure: 'REDIRECT', sent: 'yes', status }),
  ),
  ...[400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 418, 422, 425, 429, 499].map((status) =>
    status_(status, { failure: 'HTTP_STATUS', sent: 'yes', status, message: new RegExp(`\\b${status}\\b`) }),
  ),
  ...[500, 501, 502, 503, 504, 507, 599].map((status) =>
    status_(status, { failure: 'HTTP_STATUS', sent: 'yes', status }),
  ),
  {
    title: 'fails with the status although assignments need a body',
    path: '/status/500',
    assign: NEEDS_BODY,
    expect: { failure: 'HTTP_STATUS', sent: 'yes' },
  },
  {
    title: 'fails as HTTP_STATUS for a method that the endpoint does not know',
    path: '/get',
    method: 'POST',
    expect: { failure: 'HTTP_STATUS', status: 405 },
  },
  { title: 'succeeds with /unstable that never fails', path: '/unstable?failure_rate=0', expect: {} },
  {
    title: 'fails once with /unstable that always fails, and is not repeated',
    path: '/unstable?failure_rate=1',
    expect: { failure: 'HTTP_STATUS', status: 500 },
  },
];

function status_(status: number, expect: Expected): Row {
  const outcome = expect.failure === undefined ? 'succeeds' : `fails as ${expect.failure}`;
  return {
    title: `${outcome} with status ${status}`,
    path: `/status/${status}`,
    expect: { status, ...expect },
  };
}

const TIMES: readonly Row[] = [
  {
    title: 'waits for an answer within the limit',
    path: '/delay/0.3',
    limitSecs: 5,
    assign: { x: 'method' },
    expect: { assigned: { x: 'POST' } },
  },
  {
    title: 'ends at its limit when no head has come',
    path: '/delay/8',
    limitSecs: 0.3,
    expect: { failure: 'TIMEOUT', sent: 'maybe', withinMs: 1_500, timeLimitSource: 'CONFIG' },
  },
  {
    title: "ends in time for the caller's deadline",
    path: '/delay/8',
    limitSecs: 10,
    deadlineMs: 1_000,
    expect: { failure: 'TIMEOUT', sent: 'maybe', withinMs: 1_000, timeLimitSource: 'DEADLINE' },
  },
  {
    title: 'ends at its limit while a needed body trickles',
    path: '/drip?numbytes=9&duration=8&delay=0',
    assign: NEEDS_BODY,
    limitSecs: 0.5,
    expect: { failure: 'TIMEOUT', sent: 'yes', status: 200, truncated: true, withinMs: 1_500 },
  },
  {
    title: 'does not wait for a body that trickles and is not needed',
    path: '/drip?numbytes=9&duration=8&delay=0',
    limitSecs: 5,
    expect: { truncated: true, body: /^\*+$/, withinMs: 1_500 },
  },
  {
    title: 'does not wait for the body of a failure',
    path: '/drip?numbytes=9&duration=8&delay=0&code=503',
    assign: NEEDS_BODY,
    limitSecs: 5,
    expect: { failure: 'HTTP_STATUS', status: 503, withinMs: 1_500 },
  },
  {
    title: 'counts the wait for the head and the trickling together',
    path: '/drip?numbytes=5&duration=2&delay=0.4',
    assign: NEEDS_BODY,
    limitSecs: 0.8,
    expect: { failure: 'TIMEOUT', sent: 'yes', withinMs: 1_800 },
  },
];

function redirect(title: string, path: string, status = 302): Row {
  return {
    title: `does not follow ${title}`,
    path,
    expect: { failure: 'REDIRECT', sent: 'yes', status },
  };
}

const REDIRECTS: readonly Row[] = [
  redirect('a relative redirect', '/relative-redirect/2'),
  redirect('an absolute redirect', '/absolute-redirect/2'),
  redirect('a chain', '/redirect/5'),
  ...[300, 301, 302, 303, 305, 307, 308].map((status) =>
    redirect(
      `a ${status} to another path`,
      `/redirect-to?url=%2Fanything%2Ffollowed&status_code=${status}`,
      status,
    ),
  ),
  redirect('a redirect to a metadata service', '/redirect-to?url=http%3A%2F%2F169.254.169.254%2F'),
  {
    ...redirect('a redirect with cookies', '/cookies/set?session=value'),
    expect: { failure: 'REDIRECT', headers: { 'set-cookie': undefined } },
  },
  { ...redirect('a redirect although a body is needed', '/redirect/1'), assign: NEEDS_BODY },
  {
    title: 'takes a 304 that it asked for as a redirect',
    path: '/cache',
    method: 'GET',
    headers: { 'If-None-Match': '"revision"' },
    expect: { failure: 'REDIRECT', status: 304 },
  },
];

const CODINGS: readonly Row[] = ['/gzip', '/deflate'].flatMap((path) => [
  {
    title: `refuses ${path} where the body is needed`,
    path,
    assign: { x: 'method' },
    expect: { failure: 'INVALID_RESPONSE', sent: 'yes', message: /coding|encod/ } as const,
  },
  { title: `takes ${path} where it is not`, path, expect: { status: 200, bodyBinary: true } },
  { title: `takes ${path} after a call`, path, type: 'post_call' as const, expect: { status: 200 } },
]);

const SIZES: readonly Row[] = ['/bytes', '/stream-bytes'].flatMap((path) => [
  {
    title: `refuses 262,145 bytes of ${path} where the body is needed`,
    path: `${path}/262145`,
    assign: NEEDS_BODY,
    expect: { failure: 'RESPONSE_TOO_LARGE', sent: 'yes', status: 200 } as const,
  },
  {
    title: `reads 262,144 bytes of ${path} and finds that they are no JSON`,
    path: `${path}/262144?seed=1`,
    assign: NEEDS_BODY,
    expect: { failure: 'INVALID_RESPONSE', sent: 'yes', bodyBinary: true } as const,
  },
  {
    title: `takes a large body of ${path} where it is not needed`,
    path: `${path}/1000000`,
    expect: { status: 200, truncated: true },
  },
]);

const NO_JSON: readonly Row[] = [
  ...[
    '/html',
    '/xml',
    '/encoding/utf8',
    '/robots.txt',
    '/deny',
    '/image/png',
    '/stream/3',
    '/jsonl?count=3',
    '/sse?count=2&duration=1ms',
  ].map((path) => ({
    title: `refuses ${path} where JSON is needed`,
    path,
    method: 'GET' as const,
    assign: NEEDS_BODY,
    expect: { failure: 'INVALID_RESPONSE', sent: 'yes' } as const,
  })),
  {
    title: 'takes a page where no body is needed',
    path: '/html',
    expect: { status: 200, body: /^<!DOCTYPE html>/ },
  },
  {
    title: 'records UTF-8 cut at a character',
    path: '/encoding/utf8',
    method: 'GET',
    expect: { body: /∮ E⋅da = Q/, truncated: true },
  },
  asIs('{"x": 1', { failure: 'INVALID_RESPONSE' }, 'refuses JSON that breaks off'),
  asIs("{'x': 1}", { failure: 'INVALID_RESPONSE' }, 'refuses single quotes'),
  asIs('{"x": NaN}', { failure: 'INVALID_RESPONSE' }, 'refuses NaN'),
  asIs('{"x": 1e999}', { failure: 'INVALID_RESPONSE' }, 'refuses a number that is not finite'),
  asIs('[]', { missed: ['not_found'] }, 'finds nothing in a list'),
  asIs('"x"', { missed: ['not_found'] }, 'finds nothing in a string'),
  asIs('\uFEFF{"x": "bom"}', { assigned: { x: 'bom' } }, 'tolerates one byte order mark'),
  asIs(
    '{"x": 9007199254740993}',
    { assigned: { x: '9007199254740993' } },
    'keeps the digits of a large integer',
  ),
  asIs('{"x": "\\ud800"}', { assigned: { x: '\uFFFD' } }, 'replaces a lone surrogate'),
  asIs(
    `{"x": ${'['.repeat(63)}${']'.repeat(63)}}`,
    { missed: ['too_deep'] },
    'reads JSON of depth 64 and assigns none of over 24',
  ),
  asIs(
    `{"x": ${'['.repeat(64)}${']'.repeat(64)}}`,
    { failure: 'INVALID_RESPONSE' },
    'refuses JSON of depth 65',
  ),
  asIs(
    `{"x": ${JSON.stringify('a'.repeat(2_500))}}`,
    { assigned: { x: 'a'.repeat(2_500) } },
    'assigns a long text',
  ),
  {
    title: 'refuses bytes that are no UTF-8',
    path: bytesPath(Uint8Array.from([0x7b, 0x22, 0x78, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])),
    assign: NEEDS_BODY,
    expect: { failure: 'INVALID_RESPONSE', bodyBinary: true },
  },
];

const ASSIGNMENTS: readonly Row[] = [
  {
    title: 'takes values by nested paths, with their types',
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
    title: 'takes a literal key first',
    path: '/user-agent',
    assign: { x: 'user-agent' },
    expect: { body: /callhooks\// },
  },
  {
    title: 'takes null as found',
    path: '/anything',
    assign: { x: 'json' },
    expect: { assigned: { x: null } },
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
    title: 'escapes what lands in path and query',
    path: '/anything/{{caller_phone}}?phone={{caller_phone}}',
    assign: { x: 'args.phone.0' },
    expect: { assigned: { x: '+49 30 & more' }, body: /anything\/%2B49%2030%20%26%20more/ },
  },
  {
    title: 'takes a response with trailers',
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

const AUTHENTICATION: readonly Row[] = [
  {
    title: 'authenticates with a bearer token from a secret',
    path: '/bearer',
    headers: { Authorization: 'Bearer {{secret.TOKEN}}' },
    assign: { x: 'authenticated' },
    expect: { assigned: { x: true }, body: /"token": "••••••"/ },
  },
  { title: 'fails without its token', path: '/bearer', expect: { failure: 'HTTP_STATUS', status: 401 } },
  {
    title: 'authenticates with a literal basic header',
    path: '/basic-auth/desk/open-sesame',
    headers: { Authorization: `Basic ${Buffer.from('desk:open-sesame').toString('base64')}` },
    assign: { x: 'authenticated', y: 'user' },
    expect: { assigned: { x: true, y: 'desk' } },
  },
  {
    title: 'fails with another password',
    path: '/basic-auth/desk/open-sesame',
    headers: { Authorization: `Basic ${Buffer.from('desk:nothing').toString('base64')}` },
    expect: { failure: 'HTTP_STATUS', status: 401 },
  },
  {
    title: 'does not answer a digest challenge',
    path: '/digest-auth/auth/desk/sesame',
    expect: { failure: 'HTTP_STATUS', status: 401 },
  },
];

function post_(title: string, path: string, expect: Expected, limitSecs = 5): Row {
  return {
    ...{ title, path, expect, limitSecs },
    type: 'post_call',
  };
}

const POST_CALLS: readonly Row[] = [
  post_('succeeds with any 2xx', '/status/202', { status: 202 }),
  post_('fails with a 4xx', '/status/404', { failure: 'HTTP_STATUS', status: 404 }),
  post_('fails with a 5xx, and is not repeated', '/status/503', { failure: 'HTTP_STATUS', status: 503 }),
  post_('does not follow a redirect', '/redirect/1', { failure: 'REDIRECT' }),
  post_('ends at its limit', '/delay/8', { failure: 'TIMEOUT', sent: 'maybe', withinMs: 1_500 }, 0.3),
  post_('does not wait for a body', '/drip?numbytes=9&duration=8&delay=0', {
    truncated: true,
    withinMs: 1_500,
  }),
  post_('succeeds with a body of any size', '/stream-bytes/1000000', { truncated: true }),
  post_('succeeds with a page', '/html', { status: 200 }),
];

/** Every behaviour of go-httpbin that a webhook may meet. */
export const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'status codes': STATUSES,
  times: TIMES,
  redirects: REDIRECTS,
  'content codings': CODINGS,
  sizes: SIZES,
  'bodies that are no JSON, or just so': NO_JSON,
  'requests and assignments': ASSIGNMENTS,
  authentication: AUTHENTICATION,
  'after the call': POST_CALLS,
};
