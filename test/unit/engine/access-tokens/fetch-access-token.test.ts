import { expect } from 'chai';
import type { ClientCredentials } from '../../../../src/domain/auth/token-request.ts';
import {
  fetchAccessToken,
  type FetchAccessTokenDeps,
  type FetchedToken,
  type TokenFetchOutcome,
} from '../../../../src/engine/access-tokens/fetch-access-token.ts';
import { createByteBudget } from '../../../../src/engine/limits/byte-budget.ts';
import { createRequestSlots } from '../../../../src/engine/limits/request-slots.ts';
import type { GuardedExecutor } from '../../../../src/http/executor.ts';
import { guardedExecutor } from '../../../support/guarded-executor.ts';
import { startReceiver, type Receiver, type Reply } from '../../../support/receiver.ts';

describe('fetchAccessToken', () => {
  let endpoint: Receiver;
  let executor: GuardedExecutor;
  before(async () => {
    endpoint = await startReceiver();
    executor = guardedExecutor();
  });
  after(async () => {
    await executor.close();
    await endpoint.close();
  });

  function credentialsOf(change: Partial<ClientCredentials> = {}): ClientCredentials {
    return {
      ...{ tokenUrl: `${endpoint.url}/token?tenant=1`, clientId: 'crm', clientSecret: 'hunter2' },
      ...{ scopes: ['read'], audience: '', clientAuthMethod: 'basic' },
      ...change,
    };
  }

  const budget = createByteBudget(1_000_000);
  const slots = createRequestSlots({ total: 2, perOrigin: 1 });

  async function fetchWith(reply: Reply, change: Partial<FetchAccessTokenDeps> = {}, url?: string) {
    endpoint.respond(reply);
    const outcomes: TokenFetchOutcome[] = [];
    const deps: FetchAccessTokenDeps = {
      ...{ executor, slots, budget, userAgent: 'callhooks/1', signal: new AbortController().signal },
      onTokenFetch: (outcome) => outcomes.push(outcome),
      ...change,
    };
    const fetched = await fetchAccessToken(deps, credentialsOf(url === undefined ? {} : { tokenUrl: url }));
    return { fetched, outcomes };
  }

  function textOf(fetched: FetchedToken): string {
    return 'failure' in fetched
      ? `${fetched.failure.code} ${fetched.failure.sent}: ${fetched.failure.message}`
      : fetched.value;
  }

  it('sends the form and returns the token', async () => {
    const { fetched, outcomes } = await fetchWith({ body: { access_token: 't1', expires_in: 60 } });
    expect(fetched).to.deep.include({ value: 't1', lifetimeMs: 60_000 });
    expect(outcomes).to.deep.equal(['fetched']);
    const { method, url, headers, body } = endpoint.requests.at(-1) ?? {};
    expect([method, url, body]).to.deep.equal([
      'POST',
      '/token?tenant=1',
      'grant_type=client_credentials&scope=read',
    ]);
    expect(headers).to.include({
      authorization: `Basic ${btoa('crm:hunter2')}`,
      accept: 'application/json',
      'user-agent': 'callhooks/1',
    });
  });

  const WHY = 'AUTH no: the token endpoint gave no access token: ';
  const FAILURES: readonly [string, Reply, string, TokenFetchOutcome][] = [
    [
      'a refusal',
      { status: 401, body: { error: 'invalid_client' } },
      'it answered 401, invalid_client',
      'refused',
    ],
    [
      'a refusal with blanks',
      { status: 400, body: { error: 'no such client' } },
      'it answered 400',
      'refused',
    ],
    [
      'a refusal that is too long',
      { status: 400, body: { error: 'x', more: 'y'.repeat(5_000) } },
      'it answered 400',
      'refused',
    ],
    ['a page', { status: 503, body: '<html>hunter2</html>' }, 'it answered 503', 'refused'],
    [
      'a redirect',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      'HTTP 302 Found: redirects are not followed',
      'refused',
    ],
    ['no JSON', { body: 'hunter2' }, 'its answer is not JSON', 'failed'],
    ['no token', { body: { token: 'hunter2' } }, 'its answer has no access_token', 'failed'],
    [
      'a token with a line break',
      { body: { access_token: 'hunter2\r\nx: y' } },
      'its answer has an access_token with characters other than visible ASCII',
      'failed',
    ],
    [
      'an answer over 64 KiB',
      { body: { access_token: 'a'.repeat(65_536) } },
      'its answer is larger than 64 KiB',
      'failed',
    ],
  ];
  for (const [name, reply, reason, outcome] of FAILURES)
    it(`returns a failure for ${name}`, async () => {
      const { fetched, outcomes } = await fetchWith(reply);
      expect(textOf(fetched)).to.equal(WHY + reason);
      expect(outcomes).to.deep.equal([outcome]);
    });

  it('returns a failure when the connection is refused', async () => {
    const { fetched, outcomes } = await fetchWith({}, {}, 'http://127.0.0.1:1/token');
    expect(textOf(fetched)).to.match(
      /^AUTH no: the token endpoint gave no access token: .*connection refused/,
    );
    expect(outcomes).to.deep.equal(['failed']);
  });

  it('returns a failure when the egress policy forbids the endpoint', async () => {
    const { fetched } = await fetchWith({}, {}, 'http://10.0.0.1/token');
    expect(textOf(fetched)).to.match(/^AUTH no: .*: 10\.0\.0\.1 belongs to .*may not reach/);
  });

  it('returns a failure without a request when its origin has no slot left', async () => {
    const before = endpoint.requests.length;
    const { fetched, outcomes } = await fetchWith(
      {},
      { slots: createRequestSlots({ total: 1, perOrigin: 0 }) },
    );
    expect(textOf(fetched)).to.equal(`${WHY}too many requests to it are under way`);
    expect(outcomes).to.deep.equal(['failed']);
    expect(endpoint.requests).to.have.length(before);
  });

  it('returns a failure when no memory is left for the answer', async () => {
    const { fetched } = await fetchWith(
      { body: { access_token: 'a'.repeat(2_000) } },
      { budget: createByteBudget(1_000) },
    );
    expect(textOf(fetched)).to.match(/: no memory is left for the response body/);
  });

  it('returns SHUTDOWN when the process ends', async () => {
    const { fetched } = await fetchWith({}, { signal: AbortSignal.abort() });
    expect(textOf(fetched)).to.match(/^SHUTDOWN no: /);
  });

  it('gives back its slot and its bytes', () => {
    expect(slots.inFlight()).to.equal(0);
    expect(budget.reservedBytes()).to.equal(0);
  });
});
