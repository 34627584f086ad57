import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, outcomeOf, postTo, readExecution, untilEnded } from '../support/calls.ts';
import { describeEachEngine, type Engine } from '../support/engines.ts';
import { startReceiver, type Receiver, type Respond } from '../support/receiver.ts';
import { errorOf, RpcError, type Partially } from '../support/rpc.ts';
import { until } from '../support/until.ts';

const {
  EXECUTION_STATE_ACCEPTED: accepted,
  EXECUTION_STATE_SENDING: sending,
  EXECUTION_STATE_SUCCEEDED: succeeded,
} = pb.ExecutionState;

/** An app with two endpoints that hold their answers back until they are told. */
const useSlowEndpoints = (engine: Engine, env: Record<string, string>) => {
  let app: TestApp;
  let receivers: Receiver[];
  let release: () => void;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', ...env });
  });
  after(() => app.close());
  beforeEach(async () => {
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const answer: Respond = async () => {
      await released;
      return {};
    };
    receivers = await Promise.all([startReceiver(answer), startReceiver(answer)]);
  });
  afterEach(async () => {
    release();
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });
  return {
    app: () => app,
    release: () => release(),
    /** The one endpoint, or the other. */
    endpoint: (index: 0 | 1) => receivers[index] as Receiver,
    agentFor: (index: 0 | 1, kind: 'pre' | 'post', more?: Partially<pb.WebhookConfig>) =>
      makeAgent(app.rpc, {
        variables: { v: null },
        [kind]: postTo(receivers[index]?.url ?? '', undefined, more),
      }),
  };
};

describeEachEngine('the limits of pre-calls', (engine) => {
  const slow = useSlowEndpoints(engine, {
    CALLHOOKS_MAX_PRE_CALLS: '3',
    CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: '2',
    CALLHOOKS_SEND_TRACEPARENT: 'false',
  });

  it('fail beyond an origin’s as OVERLOADED, and refuse beyond the one in all', async () => {
    const { rpc } = slow.app();
    const [here, there] = [await slow.agentFor(0, 'pre'), await slow.agentFor(1, 'pre')];
    const running = [newCall(here), newCall(here)].map((call) => rpc.calls.onCallStart(call));
    await slow.endpoint(0).waitFor(2);
    const overloaded = newCall(here);
    const third = await rpc.calls.onCallStart(overloaded);
    expect(outcomeOf(third.execution as pb.Execution)).to.equal('FAILED OVERLOADED NO');
    expect(third).to.include({ decision: pb.CallDecision.CALL_DECISION_PROCEED, degraded: true });
    const { request } = await readExecution(rpc, third.execution?.executionUuid);
    expect(request?.url).to.equal(slow.endpoint(0).url + '/');
    // Another origin has room still.
    running.push(rpc.calls.onCallStart(newCall(there)));
    await slow.endpoint(1).waitFor(1);
    const refused = newCall(there);
    const error = await errorOf(rpc.calls.onCallStart(refused));
    expect([error.code, error.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'LIMIT_REACHED']);
    expect(error.retryAfterMs).to.be.greaterThan(0);
    const { conversationUuid } = refused;
    expect((await rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
    // A test that is sent takes a slot too.
    const test = { webhookUuid: here.pre?.webhookUuid ?? '', send: true };
    expect((await errorOf(rpc.webhooks.testWebhook(test))).reason).to.equal('LIMIT_REACHED');
    slow.release();
    for (const reply of await Promise.all(running)) expect(reply.degraded).to.equal(false);
    // Slots come back; what was refused was not recorded, and what was overloaded is not tried again.
    expect((await rpc.calls.onCallStart(refused)).replayed).to.equal(false);
    expect(await rpc.calls.onCallStart(overloaded)).to.deep.equal({ ...third, replayed: true });
    expect([slow.endpoint(0).requests.length, slow.endpoint(1).requests.length]).to.deep.equal([2, 2]);
  });

  it('count a repeat that waits for its first call, which takes no slot', async () => {
    const { rpc } = slow.app();
    const [here, there] = [await slow.agentFor(0, 'pre'), await slow.agentFor(1, 'pre')];
    const call = newCall(here);
    const first = rpc.calls.onCallStart(call);
    await slow.endpoint(0).waitFor(1);
    // One connection keeps their order.
    const repeats = [rpc.calls.onCallStart(call), rpc.calls.onCallStart(call)];
    const fourth = newCall(there);
    expect((await errorOf(rpc.calls.onCallStart(fourth))).reason).to.equal('LIMIT_REACHED');
    slow.release();
    expect((await first).replayed).to.equal(false);
    expect((await Promise.all(repeats)).map(({ replayed }) => replayed)).to.deep.equal([true, true]);
    expect((await rpc.calls.onCallStart(fourth)).replayed).to.equal(false);
  });

  it('leave ends alone', async () => {
    const { rpc } = slow.app();
    const [here, there] = [await slow.agentFor(0, 'pre'), await slow.agentFor(1, 'pre')];
    const calls = [newCall(here), newCall(here), newCall(there)];
    const running = calls.map((call) => rpc.calls.onCallStart(call));
    await slow.endpoint(0).waitFor(2);
    await slow.endpoint(1).waitFor(1);
    const { execution } = await rpc.calls.onCallEnd(newCall(await slow.agentFor(0, 'post')));
    await slow.endpoint(0).waitFor(3);
    slow.release();
    await Promise.all(running);
    expect(outcomeOf(await untilEnded(rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
  });

  it('hold in a process that sends no traceparent', async () => {
    slow.release();
    const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    await slow.app().rpc.calls.onCallStart(newCall(await slow.agentFor(0, 'pre')), { headers });
    expect(slow.endpoint(0).requests[0]?.headers).to.not.have.property('traceparent');
  });
});

describeEachEngine('the limit of bytes held for calls in flight', (engine) => {
  const slow = useSlowEndpoints(engine, {
    CALLHOOKS_MAX_BUFFERED_BYTES: '16MiB',
    CALLHOOKS_MAX_RESPONSE_BYTES: '4MiB',
  });

  it('refuses a start before its claim, and takes it once there is room', async () => {
    const { rpc } = slow.app();
    // Each holds 3 MB: a message of one, and a body that has it twice.
    const metadata = { m: 'm'.repeat(1_000_000) };
    const requestBody = ['{{metadata.m}}', '{{metadata.m}}'];
    const agent = await makeAgent(rpc, { pre: postTo(slow.endpoint(0).url, requestBody) });
    const running = Array.from({ length: 5 }, () => rpc.calls.onCallStart({ ...newCall(agent), metadata }));
    await slow.endpoint(0).waitFor(5);
    const sixth = { ...newCall(agent), metadata };
    const error = await errorOf(rpc.calls.onCallStart(sixth));
    expect([error.code, error.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'LIMIT_REACHED']);
    expect(error.message).to.include('bytes');
    // Something small goes through.
    const { decision } = await rpc.calls.onCallStart(newCall(await makeAgent(rpc, {})));
    expect(decision).to.equal(pb.CallDecision.CALL_DECISION_PROCEED);
    slow.release();
    await Promise.all(running);
    expect((await rpc.calls.onCallStart(sixth)).replayed).to.equal(false);
  });

  it('ends a start as OVERLOADED whose response grows beyond it, and gives the bytes back', async () => {
    const { rpc } = slow.app();
    const agent = await slow.agentFor(0, 'pre', {
      assignments: [{ attributeName: 'v', dynamicVariable: 'v', required: true }],
    });
    const endings: (() => void)[] = [];
    slow.endpoint(0).respond(async (_, response) => {
      endings.push(() => response.end('"}'));
      // Four fit. Six that grow at the same pace could all meet the limit at once.
      if (endings.length > 4) await new Promise((resolve) => setTimeout(resolve, 300));
      response.write(`{"v":1,"rest":"${'x'.repeat(3_900_000)}`);
    });
    const running = Array.from({ length: 6 }, () => rpc.calls.onCallStart(newCall(agent)));
    const first = await Promise.race(running);
    expect(outcomeOf(first.execution as pb.Execution)).to.equal('FAILED OVERLOADED YES');
    await until('all six responses to have begun', () => endings.length === 6);
    for (const end of endings) end();
    const outcomes = (await Promise.all(running)).map(({ execution }) =>
      outcomeOf(execution as pb.Execution),
    );
    expect(new Set(outcomes)).to.deep.equal(new Set(['FAILED OVERLOADED YES', 'SUCCEEDED']));
    slow.endpoint(0).respond({ body: JSON.stringify({ v: 2, rest: 'x'.repeat(3_900_000) }) });
    const { dynamicVariables } = await rpc.calls.onCallStart(newCall(agent));
    expect(dynamicVariables).to.deep.equal({ v: 2 });
  });
});

describeEachEngine('the limits of post-calls', (engine) => {
  const slow = useSlowEndpoints(engine, {
    CALLHOOKS_MAX_POST_CALLS: '3',
    CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: '2',
    CALLHOOKS_MAX_BACKLOG: '150',
    CALLHOOKS_START_BY: '3s',
  });

  it('let them wait, and send each once, no more at a time than they say', async function () {
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
        // Long enough for the pace that reports have beside calls to fill every slot.
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

  /** Fills the slots of the first endpoint; what comes after waits. */
  const fillOrigin = async () => {
    const { rpc } = slow.app();
    const agent = await slow.agentFor(0, 'post', { responseTimeoutSecs: 20 });
    await Promise.all([rpc.calls.onCallEnd(newCall(agent)), rpc.calls.onCallEnd(newCall(agent))]);
    await slow.endpoint(0).waitFor(2);
    return agent;
  };

  it('keep a post-call in ACCEPTED, and a webhook that is disabled meanwhile ends it unsent', async () => {
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
    const ended = await untilEnded(rpc, uuid);
    expect(outcomeOf(ended)).to.equal('FAILED WEBHOOK_REMOVED NO');
    expect(ended.sendingAt).to.equal(undefined);
    expect(ended.request).to.equal(undefined);
    slow.release();
    expect(slow.endpoint(0).requests).to.have.length(2);
  });

  it('and one whose webhook is deleted meanwhile, or its agent with it', async () => {
    const { rpc } = slow.app();
    await fillOrigin();
    const agents = [await slow.agentFor(0, 'post'), await slow.agentFor(0, 'post')];
    const ends = await Promise.all(agents.map((agent) => rpc.calls.onCallEnd(newCall(agent))));
    await rpc.webhooks.deleteWebhook({ webhookUuid: agents[0]?.post?.webhookUuid ?? '' });
    await rpc.agents.deleteAgent({ agentUuid: agents[1]?.agentUuid ?? '' });
    for (const { execution } of ends)
      expect(outcomeOf(await untilEnded(rpc, execution?.executionUuid))).to.equal(
        'FAILED WEBHOOK_REMOVED NO',
      );
    slow.release();
  });

  it('end one as EXPIRED that could not begin in time', async () => {
    const { rpc } = slow.app();
    const agent = await fillOrigin();
    const call = newCall(agent);
    const { execution } = await rpc.calls.onCallEnd(call);
    const ended = await untilEnded(rpc, execution?.executionUuid);
    expect(outcomeOf(ended)).to.equal('FAILED EXPIRED NO');
    const waitedMs = Number(ended.finishedAt) - Number(ended.acceptedAt);
    expect(waitedMs).to.be.within(3_000, 6_500);
    expect((await rpc.calls.onCallEnd(call)).execution).to.deep.equal({ ...ended, ...LARGE_PARTS });
    const { executions } = await rpc.executions.listExecutions({ agentUuid: agent.agentUuid });
    expect(executions.filter(({ state }) => state === sending)).to.have.length(2);
    expect(slow.endpoint(0).requests).to.have.length(2);
    slow.release();
  });

  it('use what the webhook is when it begins', async () => {
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
    const ended = await untilEnded(rpc, execution?.executionUuid);
    expect(outcomeOf(ended)).to.equal('SUCCEEDED');
    expect(ended.webhookEtag).to.equal(webhook?.etag);
    expect(slow.endpoint(0).requests.at(-1)?.url).to.equal('/changed');
  });

  it('refuse an end when too many wait, and record nothing of it', async () => {
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

const asError = (error: unknown): RpcError => {
  if (error instanceof RpcError) return error;
  throw error;
};

const LARGE_PARTS = { request: undefined, response: undefined, assignedVariables: undefined };
