import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, type CallAgent } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { freePort } from '../support/free-port.ts';
import { readMetrics } from '../support/metrics.ts';
import { startReceiver, type Receiver, type Reply, type ReceivedRequest } from '../support/receiver.ts';
import { RpcError, type Partially } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { startAuthorizationServer, type AuthorizationServer, type Client } from './authorization-server.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';

const BASIC: Client = { id: 'crm', secret: 'the-secret-of-crm', method: 'client_secret_basic' };
const POST: Client = { id: 'crm-post', secret: 'the-secret-of-crm-post', method: 'client_secret_post' };
// The characters that a form, a Basic header or a URL would read in their own way.
const ODD = { id: 'a:b c%2B+/=&?"\\', secret: `p:w %26+/=&?"'\\<>;,~` };
const ODD_BASIC: Client = { ...ODD, method: 'client_secret_basic' };
const ODD_POST: Client = { id: `${ODD.id}!`, secret: ODD.secret, method: 'client_secret_post' };
const CLIENTS = [BASIC, POST, ODD_BASIC, ODD_POST];

describe('auth.oauth2 with an authorization server of somebody else', function () {
  this.timeout(60_000);
  let server: BuiltServer;
  let opsAddress: string;
  let authorization: AuthorizationServer;
  let endpoint: Receiver;
  before(async () => {
    opsAddress = `127.0.0.1:${await freePort()}`;
    server = await startBuiltServer({ CALLHOOKS_OPS_LISTEN: opsAddress });
  });
  after(() => server.stop());
  beforeEach(async () => {
    authorization = await startAuthorizationServer(CLIENTS);
    endpoint = await startReceiver(checkToken);
  });
  afterEach(async () => {
    await endpoint.close();
    await authorization.close();
  });

  // The endpoint asks the authorization server about each token, as endpoints do by introspection.
  const checkToken = async ({ headers }: ReceivedRequest): Promise<Reply> => {
    const token = headers.authorization?.replace('Bearer ', '') ?? '';
    const scope = await authorization.scopeOf(token);
    return scope === undefined ? { status: 401 } : { body: { scope } };
  };
  const methodOf = ({ method }: Client) =>
    method === 'client_secret_post'
      ? pb.ClientAuthMethod.CLIENT_AUTH_METHOD_POST
      : pb.ClientAuthMethod.CLIENT_AUTH_METHOD_BASIC;
  const make = (
    client: Client,
    change: Partially<pb.OAuth2ClientCredentials> = {},
    more: Partially<pb.WebhookConfig> = {},
  ): Promise<CallAgent> => {
    const value = {
      ...{ tokenUrl: authorization.tokenUrl, clientAuthMethod: methodOf(client) },
      ...{ clientId: '{{secret.ID}}', clientSecret: '{{secret.SECRET}}', ...change },
    };
    const auth = { method: { $case: 'oauth2' as const, value } };
    return makeAgent(server.rpc, {
      secrets: { ID: client.id, SECRET: client.secret },
      pre: { apiSchema: { url: endpoint.url, method: 'POST', auth }, ...more },
    });
  };
  const start = async (agent: CallAgent) =>
    (await server.rpc.calls.onCallStart(newCall(agent))).execution as pb.Execution;
  const wordsOf = ({ state, failure }: pb.Execution) =>
    failure ? `${outcomeOf({ state, failure })}: ${failure.message}` : outcomeOf({ state, failure });
  const lastToken = () => endpoint.requests.at(-1)?.headers.authorization?.replace('Bearer ', '') ?? '';

  for (const [title, client] of [
    ['by a Basic header', BASIC],
    ['in the form', POST],
    ['with special characters by a Basic header', ODD_BASIC],
    ['with special characters in the form', ODD_POST],
  ] as const)
    it(`gets a token with id and secret ${title}`, async () =>
      expect(wordsOf(await start(await make(client)))).to.equal('SUCCEEDED'));

  it('asks for scopes and audience, and the token has the scopes', async () => {
    const audience = 'https://api.example.com/?a=b&c';
    await start(await make(BASIC, { scopes: ['contacts.read', 'contacts.write'], audience }));
    const { form } = authorization.requests[0] ?? {};
    expect(form).to.deep.equal({
      grant_type: 'client_credentials',
      scope: 'contacts.read contacts.write',
      audience,
    });
    expect(await authorization.scopeOf(lastToken())).to.equal('contacts.read contacts.write');
  });

  it('says what the server refuses: wrong credentials, and a scope that the client may not have', async () => {
    const why = 'FAILED AUTH NO: the token endpoint gave no access token: it answered';
    const wrong = { ...BASIC, secret: 'another-secret' };
    expect(wordsOf(await start(await make(wrong)))).to.equal(`${why} 401, invalid_client`);
    expect(wordsOf(await start(await make({ ...BASIC, id: 'nobody' })))).to.equal(
      `${why} 401, invalid_client`,
    );
    const badScope = await make(BASIC, { scopes: ['contacts.delete'] });
    expect(wordsOf(await start(badScope))).to.equal(`${why} 400, invalid_scope`);
    expect(endpoint.requests).to.deep.equal([]);
  });

  it('never sends an expired token, and renews tokens before they end', async () => {
    await authorization.close();
    authorization = await startAuthorizationServer(CLIENTS, { lifetimeSecs: 2 });
    const agent = await make(BASIC);
    await until('four tokens to be issued', async () => {
      expect(wordsOf(await start(agent))).to.equal('SUCCEEDED');
      return authorization.requests.length >= 4;
    });
    expect(new Set(authorization.requests.map(({ status }) => status))).to.deep.equal(new Set([200]));
  });

  it('drops a token that the endpoint answers with 401, and gets another one for the next call', async () => {
    const agent = await make(BASIC);
    await start(agent);
    await authorization.revoke(lastToken());
    expect(wordsOf(await start(agent))).to.equal('FAILED HTTP_STATUS YES: HTTP 401 Unauthorized');
    expect(endpoint.requests).to.have.length(2);
    expect(wordsOf(await start(agent))).to.equal('SUCCEEDED');
    expect(authorization.requests).to.have.length(2);
  });

  it('gets one token for 1,000 calls at once', async () => {
    const answer = authorization.hold();
    const agent = await make(BASIC, {}, { responseTimeoutSecs: 50 });
    const outcomes = Promise.all(
      Array.from({ length: 1_000 }, () => untilAccepted(() => server.rpc.calls.onCallStart(newCall(agent)))),
    );
    await until(
      '1,000 calls to wait',
      async () => (await readMetrics(opsAddress)).get('callhooks_pre_calls_in_flight') === 1_000,
      { timeoutMs: 30_000 },
    );
    expect(authorization.arrived()).to.equal(1);
    answer();
    const words = (await outcomes).map(({ execution }) => wordsOf(execution as pb.Execution));
    expect(new Set(words)).to.deep.equal(new Set(['SUCCEEDED']));
    expect(authorization.arrived()).to.equal(1);
    expect(endpoint.requests).to.have.length(1_000);
  });

  it('lets each call wait for a slow server until its own limit', async () => {
    const answer = authorization.hold();
    const agent = await make(BASIC, {}, { responseTimeoutSecs: 30 });
    // The deadline of its caller leaves the first call less time.
    const impatient = server.rpc.calls.onCallStart(newCall(agent), { deadlineMs: 700 });
    const patient = start(agent);
    expect(wordsOf((await impatient).execution as pb.Execution)).to.equal(
      'FAILED AUTH NO: the token endpoint gave no access token within the time limit of the call',
    );
    answer();
    expect(wordsOf(await patient)).to.equal('SUCCEEDED');
    expect(authorization.arrived()).to.equal(1);
  });

  it('fails calls while the server is dead, without a fetch for each, and goes on when it is back', async () => {
    const port = Number(new URL(authorization.tokenUrl).port);
    const agent = await make(BASIC);
    await authorization.close();
    const failed = async () =>
      (await readMetrics(opsAddress)).get('callhooks_access_token_fetches_total{outcome="failed"}') ?? 0;
    const before = await failed();
    const beganAtMs = performance.now();
    for (let round = 0; round < 3; round += 1) {
      const outcomes = await Promise.all(Array.from({ length: 100 }, () => start(agent)));
      for (const execution of outcomes)
        expect(wordsOf(execution)).to.match(/^FAILED AUTH NO: .*connection refused/);
    }
    const fetches = (await failed()) - before;
    expect(fetches).to.be.at.most(1 + (performance.now() - beganAtMs) / 500);
    authorization = await startAuthorizationServer(CLIENTS, { port });
    expect(wordsOf(await start(agent))).to.equal('SUCCEEDED');
  });

  it('goes over to a new secret', async () => {
    const agent = await make(BASIC);
    await start(agent);
    authorization.replaceClients([{ ...BASIC, secret: 'the-new-secret' }]);
    expect(wordsOf(await start(agent))).to.equal('SUCCEEDED');
    await server.rpc.agents.updateAgent({
      agent: { agentUuid: agent.agentUuid },
      secrets: { SECRET: 'the-new-secret' },
    });
    const before = lastToken();
    expect(wordsOf(await start(agent))).to.equal('SUCCEEDED');
    expect(lastToken()).to.not.equal(before);
    expect(authorization.requests).to.have.length(2);
  });
});

/** Repeats a call that is refused because too many others wait for their claims. */
async function untilAccepted<T>(call: () => Promise<T>): Promise<T> {
  return until(
    'the call to be accepted',
    () =>
      call().catch((error: unknown) => {
        if (error instanceof RpcError && error.reason === 'LIMIT_REACHED') return undefined;
        throw error;
      }),
    { timeoutMs: 50_000 },
  );
}
