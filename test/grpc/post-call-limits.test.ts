import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { newCall, postTo, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { errorOf, RpcError } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { useSlowEndpoints } from './slow-endpoints.ts';

const {
  EXECUTION_STATE_ACCEPTED: accepted,
  EXECUTION_STATE_SENDING: sending,
  EXECUTION_STATE_SUCCEEDED: succeeded,
} = pb.ExecutionState;
// Only GetExecution returns these.
const LARGE_PARTS = { request: undefined, response: undefined, assignedVariables: undefined };

describeEachEngine('The limits of post-calls', (engine) => {
  const slow = useSlowEndpoints(engine, {
    CALLHOOKS_MAX_POST_CALLS: '3',
    CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: '2',
    CALLHOOKS_MAX_BACKLOG: '150',
    CALLHOOKS_START_BY: '3s',
  });

  it('keep post-calls pending, and let each be sent once, no more at a time than each limit', async function () {
    this.timeout(30_000);
    const { rpc } = slow.app();
    const agents = [await slow.agentFor(0, 'post'), await slow.agentFor(1, 'post')];
    const now = [0, 0];
    const most = [0, 0, 0];
    ([0, 1] as const).forEach((i) =>
      slow.endpoint(i).respond(async () => {
        now[i] = (now[i] ?? 0) + 1;
        most[i] = Math.max(most[i] ?? 0, now[i] ?? 0);
        most[2] = Math.max(most[2] ?? 0, (now[0] ?? 0) + (now[1] ?? 0));
        // Reports are begun at a pace of their own beside calls: this is long enough for that pace to fill every slot.
        await new Promise((resolve) => setTimeout(resolve, 60));
        now[i] = (now[i] ?? 0) - 1;
        return {};
      }),
    );
    const calls = Array.from({ length: 60 }, (_, i) => newCall(agents[i % 2] as (typeof agents)[0]));
    const replies = await Promise.all(calls.map((call) => rpc.calls.onCallEnd(call)));
    expect(replies.every(({ execution }) => execution?.state === accepted)).to.equal(true);
    const ended = await until('60 post-calls to succeed', async () => {
      const some = await rpc.executions.listExecutions({ states: [succeeded], pageSize: 200 });
      const own = some.executions.filter(({ agentUuid }) => agents.some((it) => it.agentUuid === agentUuid));
      return own.length >= 60 && own;
    });
    expect(ended).to.have.length(60);
    const sent = ([0, 1] as const).flatMap((i) =>
      slow.endpoint(i).requests.map(({ headers }) => headers['callhooks-execution']),
    );
    expect(sent).to.have.length(60);
    expect(new Set(sent)).to.deep.equal(new Set(replies.map(({ execution }) => execution?.executionUuid)));
    expect(most[0]).to.be.within(1, 2);
    expect(most[1]).to.be.within(1, 2);
    expect(most[2]).to.equal(3);
  });

  /** Fills the slots of the first endpoint, so that further post-calls to it stay pending. */
  const fillOrigin = async () => {
    const { rpc } = slow.app();
    const agent = await slow.agentFor(0, 'post', { responseTimeoutSecs: 20 });
    await Promise.all([rpc.calls.onCallEnd(newCall(agent)), rpc.calls.onCallEnd(newCall(agent))]);
    await slow.endpoint(0).waitFor(2);
    return agent;
  };

  it('end a pending post-call as WEBHOOK_REMOVED when its webhook is disabled', async () => {
    const { rpc } = slow.app();
    await fillOrigin();
    const agent = await slow.agentFor(0, 'post');
    const call = newCall(agent);
    const { execution } = await rpc.calls.onCallEnd(call);
    const uuid = execution?.executionUuid;
    const again = await rpc.calls.onCallEnd(call);
    expect(again).to.deep.equal({ execution, replayed: true });
    const waiting = await readExecution(rpc, uuid);
    expect(waiting).to.include({ state: accepted, instance: '', webhookEtag: '', failure: undefined });
    expect([waiting.sendingAt, waiting.finishedAt, waiting.timeLimit]).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    const webhook = { webhookUuid: agent.post?.webhookUuid ?? '', disabled: true };
    await rpc.webhooks.updateWebhook({ webhook, updateMask: ['disabled'] });
    const ended = await untilFinished(rpc, uuid);
    expect(outcomeOf(ended)).to.equal('FAILED WEBHOOK_REMOVED NO');
    expect(ended.sendingAt).to.equal(undefined);
    expect(ended.request).to.equal(undefined);
    slow.release();
    expect(slow.endpoint(0).requests).to.have.length(2);
  });

  it('end a pending post-call as WEBHOOK_REMOVED when its webhook or its agent is deleted', async () => {
    const { rpc } = slow.app();
    await fillOrigin();
    const agents = [await slow.agentFor(0, 'post'), await slow.agentFor(0, 'post')];
    const ends = await Promise.all(agents.map((agent) => rpc.calls.onCallEnd(newCall(agent))));
    await rpc.webhooks.deleteWebhook({ webhookUuid: agents[0]?.post?.webhookUuid ?? '' });
    await rpc.agents.deleteAgent({ agentUuid: agents[1]?.agentUuid ?? '' });
    for (const { execution } of ends)
      expect(outcomeOf(await untilFinished(rpc, execution?.executionUuid))).to.equal(
        'FAILED WEBHOOK_REMOVED NO',
      );
    slow.release();
  });

  it('end a post-call as EXPIRED when no slot is free within CALLHOOKS_START_BY', async () => {
    const { rpc } = slow.app();
    const agent = await fillOrigin();
    const call = newCall(agent);
    const { execution } = await rpc.calls.onCallEnd(call);
    const ended = await untilFinished(rpc, execution?.executionUuid);
    expect(outcomeOf(ended)).to.equal('FAILED EXPIRED NO');
    const waitedMs = Number(ended.finishedAt) - Number(ended.acceptedAt);
    expect(waitedMs).to.be.within(3_000, 6_500);
    expect((await rpc.calls.onCallEnd(call)).execution).to.deep.equal({ ...ended, ...LARGE_PARTS });
    const { executions } = await rpc.executions.listExecutions({ agentUuid: agent.agentUuid });
    expect(executions.filter(({ state }) => state === sending)).to.have.length(2);
    expect(slow.endpoint(0).requests).to.have.length(2);
    slow.release();
  });

  it('send a post-call with the configuration that its webhook has when it gets its slot', async () => {
    const { rpc } = slow.app();
    await fillOrigin();
    const agent = await slow.agentFor(0, 'post');
    const { execution } = await rpc.calls.onCallEnd(newCall(agent));
    const { webhook } = await rpc.webhooks.updateWebhook({
      webhook: {
        webhookUuid: agent.post?.webhookUuid ?? '',
        webhookConfig: postTo(`${slow.endpoint(0).url}/changed`),
      },
      updateMask: ['webhook_config.api_schema.url'],
    });
    slow.release();
    const ended = await untilFinished(rpc, execution?.executionUuid);
    expect(outcomeOf(ended)).to.equal('SUCCEEDED');
    expect(ended.webhookEtag).to.equal(webhook?.etag);
    expect(slow.endpoint(0).requests.at(-1)?.url).to.equal('/changed');
  });

  it('refuse OnCallEnd when CALLHOOKS_MAX_BACKLOG is reached, and record nothing of it', async () => {
    const { rpc } = slow.app();
    const agent = await fillOrigin();
    const refused: RpcError[] = [];
    for (let wave = 0; wave < 20 && refused.length === 0; wave += 1) {
      const ends = Array.from({ length: 20 }, () => rpc.calls.onCallEnd(newCall(agent)).catch(asError));
      refused.push(...(await Promise.all(ends)).filter((it) => it instanceof RpcError));
    }
    expect(refused).to.not.deep.equal([]);
    for (const { code, reason, retryAfterMs } of refused) {
      expect([code, reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'LIMIT_REACHED']);
      expect(retryAfterMs).to.be.greaterThan(0);
    }
    const conversationUuid = randomUUID();
    const call = { agentUuid: agent.agentUuid, conversationUuid };
    expect((await errorOf(rpc.calls.onCallEnd(call))).reason).to.equal('LIMIT_REACHED');
    expect((await rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
    slow.release();
  });
});

function asError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  throw error;
}
