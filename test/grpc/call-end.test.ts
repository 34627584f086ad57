import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import {
  BAD_END_DETAILS,
  END_DETAILS_AT_LIMITS,
  variablesOf,
  VARIABLES_BYTES,
} from '../support/call-details.ts';
import { startReceiver, type Receiver, type Reply, type Respond } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { until } from '../support/until.ts';

describeEachEngine('OnCallEnd', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let seen = 0;
  before(async () => {
    receiver = await startReceiver();
    const resolve = async () => ({ problem: 'there is no such name' });
    const env = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', CALLHOOKS_INSTANCE: 'replica-1' };
    app = await startTestApp(engine, env, { resolve });
  });
  beforeEach(() => {
    receiver.respond({ body: {} });
    seen = receiver.requests.length;
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  const nextRequest = async () => (await receiver.waitFor(seen + 1))[seen] as Receiver['requests'][number];
  const agentWithPost = (body?: unknown, more?: Partially<pb.WebhookConfig>) =>
    makeAgent(app.rpc, { variables: { x: 'default' }, post: postTo(`${receiver.url}/post`, body, more) });

  it('answers with what is accepted, every field of it, before the endpoint has answered', async () => {
    receiver.respond({ delayMs: 300 });
    const agent = await agentWithPost();
    const call = { agentUuid: agent.agentUuid.toUpperCase(), conversationUuid: randomUUID().toUpperCase() };
    const { execution, replayed } = await app.rpc.calls.onCallEnd(call);
    const { executionUuid, acceptedAt, ...told } = execution as pb.Execution;
    expect(replayed).to.equal(false);
    expect(executionUuid).to.match(/^[0-9a-f-]{14}-?7/);
    expect(Math.abs(Number(acceptedAt) - Date.now())).to.be.lessThan(5_000);
    expect(told).to.deep.equal({
      agentUuid: agent.agentUuid,
      conversationUuid: call.conversationUuid.toLowerCase(),
      webhookUuid: agent.post?.webhookUuid,
      webhookEtag: '',
      webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
      state: pb.ExecutionState.EXECUTION_STATE_ACCEPTED,
      failure: undefined,
      decision: pb.CallDecision.CALL_DECISION_UNSPECIFIED,
      degraded: false,
      failurePolicy: pb.FailurePolicy.FAILURE_POLICY_UNSPECIFIED,
      timeLimit: undefined,
      timeLimitSource: pb.TimeLimitSource.TIME_LIMIT_SOURCE_UNSPECIFIED,
      request: undefined,
      response: undefined,
      timings: undefined,
      assignedVariables: undefined,
      missingVariables: [],
      missedAssignments: [],
      sendingAt: undefined,
      finishedAt: undefined,
      instance: '',
    });
    await untilFinished(app.rpc, executionUuid);
  });

  it('is sent once in the background, and its end is on record', async () => {
    receiver.respond({ status: 202, body: 'thanks', headers: { 'x-id': '7' } });
    const agent = await agentWithPost();
    const call = newCall(agent);
    const { execution } = await app.rpc.calls.onCallEnd(call);
    const ended = await untilFinished(app.rpc, execution?.executionUuid);
    expect(outcomeOf(ended)).to.equal('SUCCEEDED');
    expect(ended).to.deep.include({
      webhookEtag: agent.post?.etag,
      timeLimit: { seconds: 5n, nanos: 0 },
      timeLimitSource: pb.TimeLimitSource.TIME_LIMIT_SOURCE_CONFIG,
      instance: 'replica-1',
      assignedVariables: undefined,
      decision: pb.CallDecision.CALL_DECISION_UNSPECIFIED,
      degraded: false,
      acceptedAt: execution?.acceptedAt,
    });
    expect(ended.response).to.deep.include({ status: 202, body: 'thanks', truncated: false, bodyBytes: 6n });
    const times = [ended.acceptedAt, ended.sendingAt, ended.finishedAt].map(Number);
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    const again = await app.rpc.calls.onCallEnd(call);
    expect(again.replayed).to.equal(true);
    expect(again.execution).to.deep.equal({ ...ended, request: undefined, response: undefined });
    expect(receiver.requests.length - seen).to.equal(1);
    const { headers } = await nextRequest();
    expect(headers).to.include({
      'callhooks-execution': ended.executionUuid,
      'idempotency-key': ended.executionUuid,
      baggage: `callhooks.execution=${ended.executionUuid}`,
    });
    expect(headers).to.not.have.any.keys('traceparent', 'callhooks-test');
  });

  it('renders the details of the end', async () => {
    const agent = await agentWithPost({
      duration: '{{call_duration}}',
      text: 'took {{call_duration}} s: {{call_summary}}',
      phone: '{{caller_phone}}',
      turns: '{{metadata.transcript}}',
      x: '{{x}}',
      gone: '{{metadata.gone}}',
    });
    const { execution } = await app.rpc.calls.onCallEnd({
      ...newCall(agent),
      callerPhone: '+1',
      callDuration: { seconds: 63n, nanos: 250_000_000 },
      callSummary: 'All well 😀\n"quoted"',
      metadata: { transcript: [{ who: 'bot', at: 2 ** 53 + 2 }], more: { z: 1, a: 2 } },
      dynamicVariables: { x: { z: '👩‍👩‍👧', a: -0 } },
    });
    expect((await nextRequest()).body).to.equal(
      JSON.stringify({
        duration: 63.25,
        text: 'took 63.25 s: All well 😀\n"quoted"',
        phone: '+1',
        turns: [{ who: 'bot', at: 9007199254740994 }],
        x: { z: '👩‍👩‍👧', a: 0 },
        gone: null,
      }),
    );
    const ended = await untilFinished(app.rpc, execution?.executionUuid);
    expect(ended.missingVariables).to.deep.equal(['metadata.gone']);
  });

  for (const [title, duration, text] of [
    ['that is missing', undefined, null],
    ['of nothing', { seconds: 0n, nanos: 0 }, 0],
    ['of whole seconds', { seconds: 5n, nanos: 0 }, 5],
    ['of a nanosecond', { seconds: 0n, nanos: 1 }, 1e-9],
  ] as const) {
    it(`renders a duration ${title}`, async () => {
      const agent = await agentWithPost({ duration: '{{call_duration}}', summary: '{{call_summary}}' });
      await app.rpc.calls.onCallEnd({ ...newCall(agent), callDuration: duration });
      expect(JSON.parse((await nextRequest()).body)).to.deep.equal({ duration: text, summary: null });
    });
  }

  it('knows what the start left: variables and the phone, but not its metadata', async () => {
    receiver.respond({ body: { name: 'Ada' } });
    const body = {
      phone: '{{caller_phone}}',
      all: ['{{a}}', '{{b}}', '{{c}}', '{{d}}'],
      m: '{{metadata.m}}',
    };
    const agent = await makeAgent(app.rpc, {
      variables: { a: 'default', b: 'default', c: 'default', d: 'default' },
      pre: postTo(`${receiver.url}/pre`, undefined, {
        assignments: [{ attributeName: 'name', dynamicVariable: 'c' }],
      }),
      post: postTo(`${receiver.url}/post`, body),
    });
    const call = newCall(agent);
    await app.rpc.calls.onCallStart({
      ...call,
      ...{ callerPhone: '+49', metadata: { m: 1 }, dynamicVariables: { b: 'start', c: 'start', d: 'start' } },
    });
    seen += 1;
    await app.rpc.calls.onCallEnd({ ...call, dynamicVariables: { d: 'end' } });
    expect(JSON.parse((await nextRequest()).body)).to.deep.equal({
      phone: '+49',
      all: ['default', 'start', 'Ada', 'end'],
      m: null,
    });
  });

  it('knows what a start without a webhook left', async () => {
    const agent = await agentWithPost({ x: '{{x}}', phone: '{{caller_phone}}' });
    const call = newCall(agent);
    const start = { ...call, callerPhone: '+49', dynamicVariables: { x: 'start' } };
    expect((await app.rpc.calls.onCallStart(start)).execution).to.equal(undefined);
    await app.rpc.calls.onCallEnd({ ...call, callerPhone: '+1' });
    expect(JSON.parse((await nextRequest()).body)).to.deep.equal({ x: 'start', phone: '+1' });
  });

  it('stays in the trace of the caller who ended the call', async () => {
    const agent = await agentWithPost();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'a=b', baggage: 'c=d' };
    await app.rpc.calls.onCallEnd(newCall(agent), { headers });
    const sent = (await nextRequest()).headers;
    expect(sent['traceparent']).to.match(new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
    expect(sent).to.not.have.property('tracestate');
    expect(sent['baggage']).to.not.include('c=d');
  });

  it('takes an end before its start, and a start after its end runs as ever', async () => {
    receiver.respond({ body: {} });
    const agent = await makeAgent(app.rpc, {
      pre: postTo(`${receiver.url}/pre`),
      post: postTo(`${receiver.url}/post`),
    });
    const call = newCall(agent);
    const { execution } = await app.rpc.calls.onCallEnd(call);
    await untilFinished(app.rpc, execution?.executionUuid);
    expect((await app.rpc.calls.onCallStart(call)).replayed).to.equal(false);
    expect(receiver.requests.slice(seen).map(({ url }) => url)).to.deep.equal(['/post', '/pre']);
  });

  it('answers fifty at once for one conversation with one execution', async () => {
    const call = newCall(await agentWithPost());
    const replies = await Promise.all(Array.from({ length: 50 }, () => app.rpc.calls.onCallEnd(call)));
    expect(new Set(replies.map(({ execution }) => execution?.executionUuid)).size).to.equal(1);
    expect(replies.filter(({ replayed }) => !replayed)).to.have.length(1);
    await untilFinished(app.rpc, replies[0]?.execution?.executionUuid);
    expect(receiver.requests.length - seen).to.equal(1);
  });

  describe('refuses', () => {
    const ids = { agentUuid: randomUUID(), conversationUuid: randomUUID() };
    for (const [title, details, fields] of BAD_END_DETAILS) {
      it(title, async () => {
        const { reason, fields: told } = await errorOf(app.rpc.calls.onCallEnd({ ...ids, ...details }));
        expect({ reason, told }).to.deep.equal({ reason: 'VALIDATION_FAILED', told: fields });
      });
    }

    it('bad UUIDs with everything else at once, and records nothing', async () => {
      const details = { callSummary: 'x'.repeat(70_000), callDuration: { seconds: -1n, nanos: 0 } };
      const call = { agentUuid: 'x', conversationUuid: '', ...details };
      const { fields } = await errorOf(app.rpc.calls.onCallEnd(call));
      expect(fields).to.deep.equal(['agent_uuid', 'conversation_uuid', 'call_duration', 'call_summary']);
    });

    it('an agent that there is not, naming it', async () => {
      const { code, reason, resource } = await errorOf(app.rpc.calls.onCallEnd(ids));
      expect({ code, reason, resource }).to.deep.equal({
        code: 'NOT_FOUND',
        reason: 'AGENT_NOT_FOUND',
        resource: { type: 'agent', name: ids.agentUuid },
      });
    });

    it('the conversation of another agent’s end', async () => {
      const call = newCall(await agentWithPost());
      const { execution } = await app.rpc.calls.onCallEnd(call);
      await untilFinished(app.rpc, execution?.executionUuid);
      const { agentUuid } = await agentWithPost();
      const { reason, preconditions } = await errorOf(app.rpc.calls.onCallEnd({ ...call, agentUuid }));
      expect(reason).to.equal('CONVERSATION_AGENT_MISMATCH');
      expect(preconditions[0]?.subject).to.equal(`conversations/${call.conversationUuid}`);
    });

    it('a call from within a webhook that is still sending', async () => {
      const agent = await agentWithPost();
      let inner: Awaited<ReturnType<typeof errorOf>> | undefined;
      receiver.respond(async ({ headers }) => {
        inner = await errorOf(
          app.rpc.calls.onCallEnd(newCall(agent), {
            headers: { baggage: `a=b, ${String(headers['baggage'])};c=d` },
          }),
        );
        return {};
      });
      const { execution } = await app.rpc.calls.onCallEnd(newCall(agent));
      await untilFinished(app.rpc, execution?.executionUuid);
      expect(inner?.reason).to.equal('WEBHOOK_CHAINING');
    });
  });

  describe('takes', () => {
    for (const [title, details] of END_DETAILS_AT_LIMITS) {
      it(title, async () => {
        const agent = await agentWithPost({ phone: '{{caller_phone}}' });
        const call = { ...newCall(agent), ...details };
        const { execution } = await app.rpc.calls.onCallEnd(call);
        const ended = await untilFinished(app.rpc, execution?.executionUuid);
        expect(outcomeOf(ended)).to.equal('SUCCEEDED');
      });
    }

    it('variables of 256 KiB although the agent’s defaults are as large', async () => {
      const variables = variablesOf(VARIABLES_BYTES);
      const agent = await makeAgent(app.rpc, { variables, post: postTo(receiver.url) });
      const own = Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [`w${name.slice(1)}`, value]),
      );
      const { execution } = await app.rpc.calls.onCallEnd({ ...newCall(agent), dynamicVariables: own });
      expect(outcomeOf(await untilFinished(app.rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
    });
  });

  describe('records nothing', () => {
    for (const [title, parts] of [
      ['of an agent without a post-call webhook', { pre: true }],
      ['of an agent without any webhook', {}],
      ['of an agent whose post-call webhook is disabled', { post: true, disabled: true }],
    ] as const) {
      it(title, async () => {
        const agent = await makeAgent(app.rpc, {
          pre: 'pre' in parts ? postTo(receiver.url) : undefined,
          post: 'post' in parts ? postTo(receiver.url) : undefined,
          disabled: 'disabled' in parts,
        });
        const call = newCall(agent);
        for (let i = 0; i < 2; i += 1)
          expect(await app.rpc.calls.onCallEnd(call)).to.deep.equal({
            execution: undefined,
            replayed: false,
          });
        const { conversationUuid } = call;
        expect((await app.rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
        expect(receiver.requests.length).to.equal(seen);
      });
    }
  });

  describe('puts on record what became of it:', () => {
    const destroy: Respond = (_, response) => void response.destroy();
    const rows: readonly [outcome: string, reply: Reply | Respond, config?: Partially<pb.WebhookConfig>][] = [
      ['SUCCEEDED', { status: 204 }],
      ['SUCCEEDED', { status: 200, body: '<html>not JSON</html>' }],
      ['SUCCEEDED', { status: 200, body: 'x'.repeat(1_000_000) }],
      ['FAILED HTTP_STATUS YES', { status: 500 }],
      ['FAILED REDIRECT YES', { status: 301, headers: { location: 'http://127.0.0.1/' } }],
      ['FAILED TIMEOUT MAYBE', { delayMs: 3_000 }, { responseTimeoutSecs: 0.2 }],
      ['FAILED PROTOCOL MAYBE', destroy],
      ['FAILED DNS NO', {}, { apiSchema: { url: 'http://outside.example/', method: 'POST' } }],
      ['FAILED RENDER NO', {}, { apiSchema: { url: 'http://127.0.0.1/{{caller_phone}}/x', method: 'POST' } }],
    ];
    for (const [i, [outcome, reply, config]] of rows.entries()) {
      it(`${outcome} (${i})`, async () => {
        receiver.respond(reply);
        const agent = await agentWithPost(undefined, config);
        const { execution } = await app.rpc.calls.onCallEnd(newCall(agent));
        const ended = await untilFinished(app.rpc, execution?.executionUuid);
        expect(outcomeOf(ended)).to.equal(outcome);
        if (ended.failure) expect(ended.failure.message).to.match(/\S/);
        expect(ended.response !== undefined).to.equal(outcome === 'SUCCEEDED' || outcome.endsWith('YES'));
      });
    }
  });

  it('waits for a start that runs, however it ends', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    receiver.respond(async ({ url }) => {
      if (url === '/pre') await released;
      return { status: url === '/pre' ? 500 : 200 };
    });
    const agent = await makeAgent(app.rpc, {
      pre: postTo(`${receiver.url}/pre`),
      post: postTo(`${receiver.url}/post`),
    });
    const call = newCall(agent);
    const start = app.rpc.calls.onCallStart(call);
    await nextRequest();
    const { execution } = await app.rpc.calls.onCallEnd(call);
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    const { state } = await readExecution(app.rpc, execution?.executionUuid);
    expect(state).to.equal(pb.ExecutionState.EXECUTION_STATE_ACCEPTED);
    release();
    await start;
    expect(outcomeOf(await untilFinished(app.rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
    const urls = () => receiver.requests.slice(seen).map(({ url }) => url);
    await until('the post-call behind the pre-call', () => urls().join() === '/pre,/post');
  });
});
