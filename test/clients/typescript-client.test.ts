import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CallDecision,
  CallhooksClientError,
  createClient,
  ExecutionState,
  WebhookType,
  type CallhooksClient,
} from 'callhooks/client';
import { expect } from 'chai';
import { freePort } from '../support/free-port.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { startFlakyServer, type FlakyServer } from './flaky-server.ts';

const cert = (name: string): Buffer => readFileSync(new URL(`../support/certs/${name}`, import.meta.url));

/** Returns the error with which an RPC of the client ends. */
async function errorOf(rpc: Promise<unknown>): Promise<CallhooksClientError> {
  const error = await rpc.then(
    () => new Error('the RPC succeeded'),
    (error: unknown) => error,
  );
  if (error instanceof CallhooksClientError) return error;
  throw error;
}

describe('callhooks/client', function () {
  this.timeout(30_000);

  describe('on a server', () => {
    let server: BuiltServer;
    let endpoint: Receiver;
    let client: CallhooksClient;
    before(async () => {
      endpoint = await startReceiver({ body: { name: 'Ada', visits: 3 } });
      server = await startBuiltServer();
      client = createClient({ address: server.address });
    });
    after(async () => {
      client.close();
      await server.stop();
      await endpoint.close();
    });

    const createAgent = async (): Promise<string> => {
      const { agent } = await client.agents.createAgent({
        agent: {
          dynamicVariables: { name: 'there', visits: 0 },
          webhooks: [
            {
              webhookType: WebhookType.WEBHOOK_TYPE_PRE_CALL,
              webhookConfig: {
                apiSchema: { url: `${endpoint.url}/crm`, method: 'POST', requestBody: {} },
                assignments: [
                  { attributeName: 'name', dynamicVariable: 'name' },
                  { attributeName: 'visits', dynamicVariable: 'visits' },
                ],
              },
            },
          ],
        },
      });
      return agent?.agentUuid ?? '';
    };

    it('makes an agent, starts and ends a call, and reads the execution', async () => {
      const agentUuid = await createAgent();
      const conversationUuid = randomUUID();
      const start = await client.calls.onCallStart({ agentUuid, conversationUuid, callerPhone: '+4930123' });
      expect(start).to.deep.include({
        decision: CallDecision.CALL_DECISION_PROCEED,
        dynamicVariables: { name: 'Ada', visits: 3 },
      });
      expect(await client.calls.onCallEnd({ agentUuid, conversationUuid })).to.deep.equal({
        execution: undefined,
        replayed: false,
      });
      const executionUuid = start.execution?.executionUuid ?? '';
      const { execution } = await client.executions.getExecution({ executionUuid });
      expect(execution?.state).to.equal(ExecutionState.EXECUTION_STATE_SUCCEEDED);
    });

    it('rejects with reason and violations', async () => {
      const error = await errorOf(client.calls.onCallStart({ agentUuid: 'x', conversationUuid: 'y' }));
      expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED', violationCount: 2 });
      expect(error.violations.map(({ field }) => field)).to.deep.equal(['agent_uuid', 'conversation_uuid']);
      expect(error.message).to.include('agent_uuid');
    });

    it('rejects with what was not found', async () => {
      const agentUuid = randomUUID();
      const { code, reason, resource } = await errorOf(client.agents.getAgent({ agentUuid }));
      expect({ code, reason, resource }).to.deep.equal({
        code: 'NOT_FOUND',
        reason: 'AGENT_NOT_FOUND',
        resource: { type: 'agent', name: agentUuid },
      });
    });
  });

  describe('over mutual TLS with a token', () => {
    let server: BuiltServer;
    before(async () => {
      const file = (name: string) => new URL(`../support/certs/${name}`, import.meta.url).pathname;
      server = await startBuiltServer({
        ...TOKEN_SETTINGS,
        CALLHOOKS_TLS_CERT_FILE: file('endpoint.pem'),
        CALLHOOKS_TLS_KEY_FILE: file('endpoint.key'),
        CALLHOOKS_TLS_CLIENT_CA_FILE: file('client-ca.pem'),
      });
    });
    after(() => server.stop());

    const tls = {
      ca: cert('ca.pem'),
      certificate: cert('client.pem'),
      privateKey: cert('client.key').toString(),
      serverName: 'endpoint.example',
    };

    it('sends the token that a function returns at each RPC', async () => {
      const tokens = ['wrong', TOKENS.viewer];
      const client = createClient({
        address: server.address,
        tls,
        token: async () => tokens.shift() ?? '',
      });
      const error = await errorOf(client.agents.listAgents({}));
      expect(error).to.include({ code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' });
      expect((await client.agents.listAgents({})).agents).to.deep.equal([]);
      client.close();
    });

    it('rejects as UNAVAILABLE without a certificate of its own', async () => {
      const { ca, serverName } = tls;
      const client = createClient({
        address: server.address,
        tls: { ca, serverName },
        token: TOKENS.viewer,
        timeoutsMs: { listAgents: 5_000 },
      });
      expect((await errorOf(client.agents.listAgents({}))).code).to.equal('UNAVAILABLE');
      client.close();
    });

    it('refuses to send a token unencrypted to another machine, unless told to', () => {
      const token = TOKENS.viewer;
      for (const address of ['callhooks:50051', 'dns:///callhooks:50051', '10.0.0.1:50051'])
        expect(() => createClient({ address, token }), address).to.throw(/without encryption/);
      for (const address of ['localhost:50051', '127.0.0.1:1', 'dns:///localhost:1', '[::1]:1', 'unix:/x'])
        createClient({ address, token }).close();
      createClient({ address: 'callhooks:50051', token, tls: false }).close();
    });
  });

  describe('with its retries and deadlines', () => {
    let server: FlakyServer;
    let client: CallhooksClient;
    before(async () => {
      server = await startFlakyServer();
      client = createClient({ address: server.address });
    });
    after(() => {
      client.close();
      server.close();
    });

    const start = async (callerPhone: string, timeoutMs?: number) => {
      const conversationUuid = randomUUID();
      const { rejectReason } = await client.calls.onCallStart(
        { agentUuid: randomUUID(), conversationUuid, callerPhone },
        { timeoutMs },
      );
      return { attempt: rejectReason, attempts: server.attemptsOf(conversationUuid) };
    };

    it('repeats a start that is answered UNAVAILABLE, twice if need be', async () => {
      expect(await start('UNAVAILABLE*2')).to.include({ attempt: '3' });
    });

    it('repeats a start that is refused by a limit, after the pause that the server asks for', async () => {
      const { attempt, attempts } = await start('RESOURCE_EXHAUSTED*1+700');
      expect(attempt).to.equal('2');
      expect((attempts[1] ?? 0) - (attempts[0] ?? 0)).to.be.greaterThan(690);
    });

    it('gives up after four attempts at a start', async () => {
      const error = await errorOf(start('UNAVAILABLE*9'));
      expect(error).to.include({ code: 'UNAVAILABLE', message: 'attempt 4' });
    });

    it('does not repeat a start after another error', async () => {
      expect(await errorOf(start('ABORTED*1'))).to.include({ code: 'ABORTED', message: 'attempt 1' });
    });

    it('repeats a create that is refused by a limit, and none whose effect is not known', async () => {
      const create = (displayName: string) =>
        client.agents.createAgent({ agent: { agentUuid: randomUUID(), displayName } });
      expect((await create('RESOURCE_EXHAUSTED*1+1')).agent?.etag).to.equal('2');
      expect(await errorOf(create('UNAVAILABLE*1'))).to.include({ message: 'attempt 1' });
    });

    it('ends an RPC at the deadline of the caller', async () => {
      expect((await errorOf(start('silent', 100))).code).to.equal('DEADLINE_EXCEEDED');
    });

    it('ends an RPC at the deadline that the client has for the method', async () => {
      const impatient = createClient({ address: server.address, timeoutsMs: { onCallEnd: 100 } });
      const request = { agentUuid: randomUUID(), conversationUuid: randomUUID(), callerPhone: 'silent' };
      expect((await errorOf(impatient.calls.onCallEnd(request))).code).to.equal('DEADLINE_EXCEEDED');
      impatient.close();
    });

    it("rejects with the signal's reason when an RPC is aborted, before it is sent or while it runs", async () => {
      const conversationUuid = randomUUID();
      const request = { agentUuid: randomUUID(), conversationUuid, callerPhone: 'silent' };
      const reason = new Error('the caller has hung up');
      const aborted = client.calls.onCallStart(request, { signal: AbortSignal.abort(reason) });
      expect(await aborted.catch((error: unknown) => error)).to.equal(reason);
      expect(server.attemptsOf(conversationUuid)).to.deep.equal([]);
      const controller = new AbortController();
      const running = client.calls.onCallStart(request, { signal: controller.signal });
      await until('the request to arrive', () => server.attemptsOf(conversationUuid).length === 1);
      controller.abort(reason);
      expect(await running.catch((error: unknown) => error)).to.equal(reason);
    });
  });

  it('sends its RPCs to all addresses in turn, and to those that are left when one goes', async () => {
    const servers = [await startFlakyServer(), await startFlakyServer()];
    const client = createClient({ address: `ipv4:${servers.map(({ address }) => address).join()}` });
    const start = async (): Promise<number> => {
      const conversationUuid = randomUUID();
      await client.calls.onCallStart({ agentUuid: randomUUID(), conversationUuid });
      return servers.findIndex(({ attemptsOf }) => attemptsOf(conversationUuid).length > 0);
    };
    const seen = new Set<number>();
    await until('both servers to be called', async () => seen.add(await start()).size === 2);
    servers[0]?.close();
    expect(await Promise.all([start(), start(), start(), start()])).to.deep.equal([1, 1, 1, 1]);
    servers[1]?.close();
    client.close();
  });

  it('reaches a server that starts while it repeats', async () => {
    const port = await freePort();
    const client = createClient({ address: `127.0.0.1:${port}` });
    const listed = client.agents.listAgents({});
    const server = await startBuiltServer({ CALLHOOKS_LISTEN: `127.0.0.1:${port}` });
    expect((await listed).agents).to.deep.equal([]);
    client.close();
    await server.stop();
  });
});
