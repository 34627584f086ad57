import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { mysql } from '../../src/store/sql/mysql.ts';
import { createPurge } from '../../src/store/executions/purge-executions.ts';
import { sqlite } from '../../src/store/sql/sqlite.ts';
import { connectDirectly } from '../store/test-database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished, type CallAgent } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf } from '../support/rpc.ts';

describeEachEngine('A conversation that retention has removed', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let agent: CallAgent;
  const call = { agentUuid: '', conversationUuid: '' };

  /** Purges as the server would in two days. */
  const purgeEverything = async () => {
    const beside = connectDirectly(app.database);
    const purge = createPurge(beside, engine.name === 'sqlite' ? sqlite : mysql);
    await purge.purge(Date.now() + 2 * 86_400_000, 1_000);
    await beside.close();
  };

  before(async () => {
    receiver = await startReceiver();
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    agent = await makeAgent(app.rpc, { pre: postTo(receiver.url), post: postTo(receiver.url) });
    Object.assign(call, newCall(agent));
    await app.rpc.calls.onCallStart(call);
    const { execution } = await app.rpc.calls.onCallEnd(call);
    await untilFinished(app.rpc, execution?.executionUuid);
    await purgeEverything();
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  const rpcs = ['onCallStart', 'onCallEnd'] as const;
  const refuses = (title: string, prepare: () => Promise<unknown>, change: () => object = () => ({})) => {
    for (const rpc of rpcs) {
      it(`is refused as CONVERSATION_PURGED ${title} (${rpc}), and nothing is sent`, async () => {
        await prepare();
        const { code, reason, preconditions } = await errorOf(app.rpc.calls[rpc]({ ...call, ...change() }));
        expect({ code, reason }).to.deep.equal({
          code: 'FAILED_PRECONDITION',
          reason: 'CONVERSATION_PURGED',
        });
        expect(preconditions.map(({ subject }) => subject)).to.deep.equal([
          `conversations/${call.conversationUuid}`,
        ]);
        expect(receiver.requests).to.have.length(2);
      });
    }
  };
  const nothing = async () => undefined;

  it('has no executions in the list', async () => {
    const { conversationUuid } = call;
    expect((await app.rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
  });
  refuses('while its agent has both webhooks', nothing);
  refuses('when it is repeated with its UUID in upper case', nothing, () => ({
    conversationUuid: call.conversationUuid.toUpperCase(),
  }));
  refuses(
    'when another agent calls it',
    async () => undefined,
    () => ({ agentUuid: otherAgent.agentUuid }),
  );
  let otherAgent: CallAgent;
  before(async () => {
    otherAgent = await makeAgent(app.rpc, { pre: postTo(receiver.url), post: postTo(receiver.url) });
  });
  refuses('when the webhooks are disabled', async () => {
    for (const webhook of [agent.pre, agent.post])
      await app.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid: webhook?.webhookUuid ?? '', disabled: true },
        updateMask: ['disabled'],
      });
  });
  refuses('when the webhooks are deleted', async () => {
    const { agent: stored } = await app.rpc.agents.getAgent(agent);
    for (const { webhookUuid } of stored?.webhooks ?? [])
      await app.rpc.webhooks.deleteWebhook({ webhookUuid });
  });
  refuses('when the agent is deleted', () => app.rpc.agents.deleteAgent(agent).catch(() => undefined));

  it('is a new one again when no webhook ran for its start, because such a start leaves no key', async () => {
    const bare = await makeAgent(app.rpc, { post: postTo(receiver.url) });
    const start = newCall(bare);
    const first = await app.rpc.calls.onCallStart(start);
    expect((await app.rpc.calls.onCallStart(start)).replayed).to.equal(true);
    await purgeEverything();
    expect(await app.rpc.calls.onCallStart(start)).to.deep.equal(first);
    expect(first).to.include({ decision: pb.CallDecision.CALL_DECISION_PROCEED, replayed: false });
  });
});
