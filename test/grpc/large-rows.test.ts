import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';

// Each row takes about half a megabyte in a statement of MySQL, where quotes are escaped twice.
const AT_ONCE = 40;

// A statement of more than 16 MiB breaks the connection to MySQL, and with it every call whose row is in it.
describeEachEngine('Many large rows at once', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver({ body: {} });
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  /** Starts a call, and repeats it as its caller would while it is refused because it waited too long for its turn. */
  const startUntilTaken = async (
    agentUuid: string,
    conversationUuid: string,
  ): Promise<pb.OnCallStartResponse> => {
    for (;;) {
      try {
        return await app.rpc.calls.onCallStart({ agentUuid, conversationUuid });
      } catch (error) {
        if ((error as { reason?: string }).reason !== 'LIMIT_REACHED') throw error;
      }
    }
  };

  const largeDefaults = Object.fromEntries(
    Array.from({ length: 16 }, (_, index) => [`large_${index}`, '"'.repeat(7_800)]),
  );
  it(`are all recorded, for ${AT_ONCE} starts of an agent with large defaults`, async () => {
    const { agent } = await app.rpc.agents.createAgent({
      agent: {
        dynamicVariables: largeDefaults,
        webhooks: [
          {
            webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
            webhookConfig: { apiSchema: { url: receiver.url, method: 'POST' } },
          },
        ],
      },
    });
    const agentUuid = agent?.agentUuid ?? '';
    const replies = await Promise.all(
      Array.from({ length: AT_ONCE }, () => startUntilTaken(agentUuid, randomUUID())),
    );
    expect(replies.filter(({ execution }) => execution?.finishedAt !== undefined)).to.have.length(AT_ONCE);
  }).timeout(30_000);

  // 3 MiB of quotes as JSON, which MySQL's text of the insert escapes once more.
  it('are recorded and sent, for starts and ends with 3 MiB of metadata', async () => {
    const metadata = { m: '"'.repeat((3 * 1024 * 1024 - 8) / 2) };
    const webhook = postTo(receiver.url, { m: '{{metadata.m}}' });
    const agent = await makeAgent(app.rpc, { pre: webhook, post: webhook });
    const calls = Array.from({ length: 4 }, () => ({ ...newCall(agent), metadata }));
    for (const call of calls) await app.rpc.calls.onCallStart(call);
    const ends = await Promise.all(calls.map((call) => app.rpc.calls.onCallEnd(call)));
    for (const { execution } of ends) {
      const { state, request } = await untilFinished(app.rpc, execution?.executionUuid);
      expect(state).to.equal(pb.ExecutionState.EXECUTION_STATE_SUCCEEDED);
      expect(request?.bodySize).to.equal(BigInt(JSON.stringify(metadata).length));
    }
    const bodies = receiver.requests.slice(-8).map(({ body }) => body);
    expect(bodies.every((body) => body === JSON.stringify(metadata))).to.equal(true);
  }).timeout(60_000);

  it('are stored and sent, for an agent with 32 secrets of 16 KiB', async () => {
    const names = Array.from({ length: 32 }, (_, i) => `S${i}`);
    const secrets = Object.fromEntries(names.map((name) => [name, `${name}${'é"'.repeat(5_458)}`]));
    const body = Object.fromEntries(names.map((name) => [name, `{{secret.${name}}}`]));
    const agent = await makeAgent(app.rpc, { secrets, pre: postTo(receiver.url, body) });
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
    expect(JSON.parse(receiver.requests.at(-1)?.body ?? '')).to.deep.equal(secrets);
    const { request } = await untilFinished(app.rpc, execution?.executionUuid);
    expect(JSON.parse(request?.body ?? '')).to.deep.equal(
      Object.fromEntries(names.map((name) => [name, '••••••'])),
    );
  });
});
