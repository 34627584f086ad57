import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { ClientCredentials } from '../../../../src/domain/auth/token-request.ts';
import { failureOf } from '../../../../src/domain/failures.ts';
import { createAccessTokens, type AccessToken } from '../../../../src/engine/access-tokens/access-tokens.ts';
import type { FetchedToken } from '../../../../src/engine/access-tokens/fetch-access-token.ts';

const OWNER = { agentUuid: 'agent', webhookEtag: 'etag' };
const CREDENTIALS: ClientCredentials = {
  ...{ tokenUrl: 'https://login.example/token', clientId: 'crm', clientSecret: 'hunter2' },
  ...{ scopes: [], audience: '', clientAuthMethod: 'basic' },
};
const AN_HOUR_MS = 3_600_000;
const FAILED: FetchedToken = { failure: failureOf('AUTH', 'it is dead') };

/** Makes access tokens with a clock of their own. Each fetch waits until the test answers it. */
function startTokens({ maxKept = 10, maxKeptPerAgent = 10 } = {}) {
  const clock = { nowMs: 1_000_000 };
  const fetches: {
    credentials: ClientCredentials;
    answer: (fetched: FetchedToken) => void;
    fail: () => void;
  }[] = [];
  const errors: unknown[] = [];
  const hashed: string[] = [];
  const tokens = createAccessTokens({
    fetch: (credentials) =>
      new Promise((resolve, reject) =>
        fetches.push({ credentials, answer: resolve, fail: () => reject(new Error('a bug')) }),
      ),
    hash: (text) => {
      hashed.push(text);
      return createHash('sha256').update(text).digest('base64');
    },
    onError: (error) => errors.push(error),
    nowMs: () => clock.nowMs,
    maxKept,
    maxKeptPerAgent,
  });
  const get = (change: Partial<ClientCredentials> = {}, owner = OWNER, limitMs = 5_000) =>
    tokens.get(owner, { ...CREDENTIALS, ...change }, performance.now() + limitMs);
  /** Gets a token that the endpoint issues now, with this value and lifetime. */
  const getNew = async (value: string, lifetimeMs = AN_HOUR_MS) => {
    const getting = get();
    fetches.at(-1)?.answer({ value, lifetimeMs });
    return (await getting) as AccessToken;
  };
  return { clock, fetches, errors, hashed, tokens, get, getNew };
}

function valueOf(token: Awaited<ReturnType<ReturnType<typeof startTokens>['get']>>): string {
  return 'failure' in token
    ? `${token.failure.code} ${token.failure.sent}: ${token.failure.message}`
    : token.value;
}

describe('access tokens', () => {
  it('fetches one token for 1,000 calls that need it at once', async () => {
    const { fetches, get } = startTokens();
    const getting = Promise.all(Array.from({ length: 1_000 }, () => get()));
    fetches[0]?.answer({ value: 'one', lifetimeMs: AN_HOUR_MS });
    expect(new Set((await getting).map(valueOf))).to.deep.equal(new Set(['one']));
    expect(fetches).to.have.length(1);
  });

  it('returns the kept token without another fetch', async () => {
    const { clock, fetches, get, getNew } = startTokens();
    await getNew('one');
    clock.nowMs += AN_HOUR_MS - 60_001;
    expect(valueOf(await get())).to.equal('one');
    expect(fetches).to.have.length(1);
  });

  for (const [name, change, owner] of [
    ['another secret', { clientSecret: 'hunter3' }, OWNER],
    ['another scope', { scopes: ['read'] }, OWNER],
    ['another agent', {}, { ...OWNER, agentUuid: 'other' }],
    ['another revision of the webhook', {}, { ...OWNER, webhookEtag: 'other' }],
  ] as const)
    it(`fetches another token for ${name}`, async () => {
      const { fetches, get, getNew } = startTokens();
      await getNew('one');
      const getting = get(change, owner);
      fetches[1]?.answer({ value: 'two', lifetimeMs: AN_HOUR_MS });
      expect(valueOf(await getting)).to.equal('two');
      expect(fetches[1]?.credentials).to.deep.include(change);
    });

  it('uses the old token in its last minute, and renews it once in the background', async () => {
    const { clock, fetches, get, getNew } = startTokens();
    await getNew('one');
    clock.nowMs += AN_HOUR_MS - 60_000;
    for (let i = 0; i < 3; i += 1) expect(valueOf(await get())).to.equal('one');
    expect(fetches).to.have.length(2);
    fetches[1]?.answer({ value: 'two', lifetimeMs: AN_HOUR_MS });
    await wait(0);
    expect(valueOf(await get())).to.equal('two');
    expect(fetches).to.have.length(2);
  });

  it('uses the old token on, and tries again, when a renewal fails', async () => {
    const { clock, fetches, get, getNew } = startTokens();
    await getNew('one');
    clock.nowMs += AN_HOUR_MS - 60_000;
    await get();
    fetches[1]?.answer(FAILED);
    await wait(0);
    clock.nowMs += 1_000;
    expect(valueOf(await get())).to.equal('one');
    expect(fetches).to.have.length(3);
  });

  it('logs it when a renewal breaks by a bug, and uses the old token', async () => {
    const { clock, fetches, errors, get, getNew } = startTokens();
    await getNew('one');
    clock.nowMs += AN_HOUR_MS - 60_000;
    await get();
    fetches[1]?.fail();
    await wait(0);
    expect(errors.map(String)).to.deep.equal(['Error: a bug']);
    expect(valueOf(await get())).to.equal('one');
  });

  it('waits for a new token in the last 5 s of the old one', async () => {
    const { clock, fetches, get, getNew } = startTokens();
    await getNew('one');
    clock.nowMs += AN_HOUR_MS - 5_000;
    const getting = get();
    fetches[1]?.answer({ value: 'two', lifetimeMs: AN_HOUR_MS });
    expect(valueOf(await getting)).to.equal('two');
  });

  it('renews a token of 10 s in its second half, and does not use it in its last second', async () => {
    const { clock, fetches, get, getNew } = startTokens();
    await getNew('one', 10_000);
    clock.nowMs += 4_999;
    await get();
    expect(fetches).to.have.length(1);
    clock.nowMs += 1;
    expect(valueOf(await get())).to.equal('one');
    expect(fetches).to.have.length(2);
    clock.nowMs += 4_000;
    const getting = get();
    fetches[1]?.answer({ value: 'two', lifetimeMs: 10_000 });
    expect(valueOf(await getting)).to.equal('two');
  });

  it('counts the life of a token from the request for it', async () => {
    const { clock, fetches, get } = startTokens();
    const getting = get();
    clock.nowMs += 8_000;
    fetches[0]?.answer({ value: 'one', lifetimeMs: 20_000 });
    await getting;
    clock.nowMs += 2_000;
    await get();
    expect(fetches).to.have.length(2);
  });

  it('fails every call that waits when the fetch fails, and fetches again for the next call', async () => {
    const { clock, fetches, get } = startTokens();
    const getting = Promise.all([get(), get()]);
    fetches[0]?.answer(FAILED);
    expect((await getting).map(valueOf)).to.deep.equal(['AUTH no: it is dead', 'AUTH no: it is dead']);
    clock.nowMs += 500;
    const next = get();
    fetches[1]?.answer({ value: 'one', lifetimeMs: AN_HOUR_MS });
    expect(valueOf(await next)).to.equal('one');
  });

  it('begins the next fetch 500 ms after a failed one, for all calls that came in between', async () => {
    const { fetches, get } = startTokens();
    const failing = get();
    fetches[0]?.answer(FAILED);
    await failing;
    const begunAtMs = performance.now();
    const waiting = Promise.all(Array.from({ length: 100 }, () => get()));
    expect(fetches).to.have.length(1);
    while (fetches.length === 1) await wait(5);
    expect(performance.now() - begunAtMs).to.be.at.least(490);
    fetches[1]?.answer({ value: 'one', lifetimeMs: AN_HOUR_MS });
    expect(new Set((await waiting).map(valueOf))).to.deep.equal(new Set(['one']));
    expect(fetches).to.have.length(2);
  });

  it('lets a call leave at its own deadline, and goes on for the others', async () => {
    const { fetches, get } = startTokens();
    const first = get({}, OWNER, 20);
    const second = get();
    expect(valueOf(await first)).to.equal(
      'AUTH no: the token endpoint gave no access token within the time limit of the call',
    );
    fetches[0]?.answer({ value: 'one', lifetimeMs: AN_HOUR_MS });
    expect(valueOf(await second)).to.equal('one');
    expect(fetches).to.have.length(1);
  });

  it('names the last failure to a call whose time ends before the next fetch', async () => {
    const { fetches, get } = startTokens();
    const failing = get();
    fetches[0]?.answer(FAILED);
    await failing;
    expect(valueOf(await get({}, OWNER, 20))).to.equal(
      'AUTH no: it is dead; the time limit of the call ended before its next answer',
    );
    expect(fetches).to.have.length(1);
  });

  it('fetches anew after the token was dropped', async () => {
    const { clock, fetches, tokens, get, getNew } = startTokens();
    tokens.drop(await getNew('one'));
    clock.nowMs += 500;
    const getting = get();
    fetches[1]?.answer({ value: 'two', lifetimeMs: AN_HOUR_MS });
    expect(valueOf(await getting)).to.equal('two');
  });

  it('keeps a newer token when an older one is dropped', async () => {
    const { clock, fetches, tokens, get, getNew } = startTokens();
    const old = await getNew('one');
    tokens.drop(old);
    clock.nowMs += 500;
    await getNew('two');
    tokens.drop(old);
    expect(valueOf(await get())).to.equal('two');
    expect(fetches).to.have.length(2);
  });

  it('masks the kept tokens of an agent, and no longer a token that was replaced, dropped or forgotten', async () => {
    const { clock, tokens, get, getNew, fetches } = startTokens({ maxKept: 1 });
    const masked = (text: string) => tokens.maskOf('agent')?.(text);
    expect(masked('token-number-1')).to.equal(undefined);
    await getNew('token-number-1');
    expect(masked('token-number-1')).to.equal('••••••');
    expect(tokens.maskOf('other')).to.equal(undefined);
    clock.nowMs += AN_HOUR_MS;
    const second = await getNew('token-number-2');
    expect(masked('token-number-1 token-number-2')).to.equal('token-number-1 ••••••');
    tokens.drop(second);
    expect(masked('token-number-2')).to.equal(undefined);
    clock.nowMs += 500;
    await getNew('token-number-3');
    const other = get({ clientId: 'other' }, { agentUuid: 'other', webhookEtag: 'e' });
    expect(masked('token-number-3')).to.equal(undefined);
    const late = get();
    fetches.at(-2)?.answer({ value: 'token-number-4', lifetimeMs: AN_HOUR_MS });
    await other;
    expect(tokens.maskOf('other'), 'of an entry that was forgotten meanwhile').to.equal(undefined);
    fetches.at(-1)?.answer({ value: 'token-number-5', lifetimeMs: AN_HOUR_MS });
    await late;
    expect(masked('token-number-5')).to.equal('••••••');
  });

  it('masks a token of an agent as long as one of two webhooks keeps it', async () => {
    const { fetches, tokens, get, getNew } = startTokens();
    const first = await getNew('the-same-token');
    const getting = get({}, { ...OWNER, webhookEtag: 'other' });
    fetches.at(-1)?.answer({ value: 'the-same-token', lifetimeMs: AN_HOUR_MS });
    const second = (await getting) as AccessToken;
    tokens.drop(first);
    expect(tokens.maskOf('agent')?.('the-same-token')).to.equal('••••••');
    tokens.drop(second);
    expect(tokens.maskOf('agent')).to.equal(undefined);
  });

  it('forgets the credentials that were used longest ago when there are too many', async () => {
    const { fetches, get } = startTokens({ maxKept: 2 });
    const use = async (clientId: string) => {
      const before = fetches.length;
      const getting = get({ clientId });
      if (fetches.length > before) fetches.at(-1)?.answer({ value: clientId, lifetimeMs: AN_HOUR_MS });
      expect(valueOf(await getting)).to.equal(clientId);
      return fetches.length > before ? 'fetched' : 'kept';
    };
    const uses = [];
    for (const clientId of ['a', 'b', 'a', 'c', 'a', 'b']) uses.push(await use(clientId));
    expect(uses).to.deep.equal(['fetched', 'fetched', 'kept', 'fetched', 'kept', 'fetched']);
  });

  it('forgets tokens of the agent that has too many, and none of another agent', async () => {
    const { fetches, get, tokens } = startTokens({ maxKeptPerAgent: 2 });
    const use = async (clientId: string, agentUuid: string) => {
      const before = fetches.length;
      const getting = get({ clientId }, { agentUuid, webhookEtag: 'etag' });
      if (fetches.length > before)
        fetches.at(-1)?.answer({ value: `token-of-${clientId}`, lifetimeMs: AN_HOUR_MS });
      await getting;
      return fetches.length > before ? 'fetched' : 'kept';
    };
    await use('other', 'quiet');
    for (const clientId of ['a', 'b', 'c']) await use(clientId, 'busy');
    expect(tokens.maskOf('busy')?.('token-of-a token-of-b token-of-c')).to.equal('token-of-a •••••• ••••••');
    expect([await use('other', 'quiet'), await use('c', 'busy'), await use('a', 'busy')]).to.deep.equal([
      'kept',
      'kept',
      'fetched',
    ]);
  });
});
