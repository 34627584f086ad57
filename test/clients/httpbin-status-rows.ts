import { NEEDS_BODY, type Expected, type Row } from './httpbin-row.ts';

export const STATUSES: readonly Row[] = [
  ...[200, 201, 202, 206].map((status) => status_(status, {})),
  {
    title: 'finds nothing to assign in a 204',
    path: '/status/204',
    assign: NEEDS_BODY,
    expect: { status: 204, missed: ['not_found'] },
  },
  {
    title: 'finds nothing to assign in an empty 200',
    path: '/status/200',
    assign: NEEDS_BODY,
    expect: { missed: ['not_found'] },
  },
  ...[100, 102, 103].map((status) => status_(status, { status: 200 })),
  ...[301, 302, 303, 307, 308].map((status) => status_(status, { failure: 'REDIRECT', sent: 'yes', status })),
  ...[300, 304, 305, 399].map((status) => status_(status, { failure: 'HTTP_STATUS', sent: 'yes', status })),
  ...[400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 418, 422, 425, 429, 499].map((status) =>
    status_(status, { failure: 'HTTP_STATUS', sent: 'yes', status, message: new RegExp(`\\b${status}\\b`) }),
  ),
  ...[500, 501, 502, 503, 504, 507, 599].map((status) =>
    status_(status, { failure: 'HTTP_STATUS', sent: 'yes', status }),
  ),
  {
    title: 'fails as HTTP_STATUS with status 500 though assignments need a body',
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
  { title: 'succeeds with /unstable when that does not fail', path: '/unstable?failure_rate=0', expect: {} },
  {
    title: 'fails as HTTP_STATUS with /unstable when that fails, and is not repeated',
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

export const TIMES: readonly Row[] = [
  {
    title: 'waits for an answer within its time limit',
    path: '/delay/0.3',
    limitSecs: 5,
    assign: { x: 'method' },
    expect: { assigned: { x: 'POST' } },
  },
  {
    title: 'fails as TIMEOUT at its limit when no head has come',
    path: '/delay/8',
    limitSecs: 0.3,
    expect: { failure: 'TIMEOUT', sent: 'maybe', withinMs: 1_500, timeLimitSource: 'CONFIG' },
  },
  {
    title: "fails as TIMEOUT before the caller's deadline",
    path: '/delay/8',
    limitSecs: 10,
    deadlineMs: 1_000,
    expect: { failure: 'TIMEOUT', sent: 'maybe', withinMs: 1_000, timeLimitSource: 'DEADLINE' },
  },
  {
    title: 'fails as TIMEOUT at its limit while a needed body trickles',
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
    title: 'fails as TIMEOUT when head and trickling body together take too long',
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

export const REDIRECTS: readonly Row[] = [
  redirect('a relative redirect', '/relative-redirect/2'),
  redirect('an absolute redirect', '/absolute-redirect/2'),
  redirect('a chain', '/redirect/5'),
  ...[301, 302, 303, 307, 308].map((status) =>
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
    title: 'fails as HTTP_STATUS for a 304 that it asked for',
    path: '/cache',
    method: 'GET',
    headers: { 'If-None-Match': '"revision"' },
    expect: { failure: 'HTTP_STATUS', status: 304 },
  },
];

function post_(title: string, path: string, expect: Expected, limitSecs = 5): Row {
  return {
    title,
    path,
    expect,
    limitSecs,
    type: 'post_call',
  };
}

export const POST_CALLS: readonly Row[] = [
  post_('succeeds with any 2xx', '/status/202', { status: 202 }),
  post_('fails as HTTP_STATUS with a 4xx', '/status/404', { failure: 'HTTP_STATUS', status: 404 }),
  post_('fails as HTTP_STATUS with a 5xx, and is not repeated', '/status/503', {
    failure: 'HTTP_STATUS',
    status: 503,
  }),
  post_('does not follow a redirect', '/redirect/1', { failure: 'REDIRECT' }),
  post_(
    'fails as TIMEOUT at its limit',
    '/delay/8',
    { failure: 'TIMEOUT', sent: 'maybe', withinMs: 1_500 },
    0.3,
  ),
  post_('does not wait for a body', '/drip?numbytes=9&duration=8&delay=0', {
    truncated: true,
    withinMs: 1_500,
  }),
  post_('succeeds with a body of any size', '/stream-bytes/1000000', { truncated: true }),
  post_('succeeds with a page', '/html', { status: 200 }),
];
