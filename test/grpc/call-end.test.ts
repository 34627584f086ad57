import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import type { Partially } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

describeEachEngine('OnCallEnd', (engine) => {
  const test = useAppWithReceiver(engine, { body: {} });
  const agentWithPost = (body?: unknown, more?: Partially<pb.WebhookConfig>) =>
    makeAgent(test.rpc, {
      variables: { x: 'default' },
      post: postTo(`${test.receiver.url}/post`, body, more),
    });

  it('answers with the accepted execution, every field of it, before the endpoint has answered', async () => {
    test.receiver.respond({ delayMs: 300 });
    const agent = await agentWithPost();
    const call = { agentUuid: agent.agentUuid.toUpperCase(), conversationUuid: randomUUID().toUpperCase() };
    const { execution, replayed } = await test.rpc.calls.onCallEnd(call);
    const { executionUuid, acceptedAt, ...others } = execution as pb.Execution;
    expect(replayed).to.equal(false);
    expect(executionUuid).to.match(/^[0-9a-f-]{14}-?7/);
    expect(Math.abs(Number(acceptedAt) - Date.now())).to.be.lessThan(5_000);
    expect(others).to.deep.equal({
      agentUuid: agent.agentUuid,
      conversationUuid: call.conversationUuid.toLowerCase(),
      webhookUuid: agent.post?.webhookUuid,
      webhookEtag: '',
      webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
      state: pb.ExecutionState.EXECUTION_STATE_ACCEPTED,
      failure: undefined,
      decision: pb.CallDecision.CALL_DECISION_UNSPECIFIED,
      degraded: false,
      rejected: false,
      rejectReason: '',
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
    await untilFinished(test.rpc, executionUuid);
  });

  it('has its report sent once in the background, and its outcome recorded', async () => {
    test.receiver.respond({ status: 202, body: 'thanks', headers: { 'x-id': '7' } });
    const agent = await agentWithPost();
    const call = newCall(agent);
    const { execution } = await test.rpc.calls.onCallEnd(call);
    const ended = await untilFinished(test.rpc, execution?.executionUuid);
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
    expect(ended.response).to.deep.include({ status: 202, body: 'thanks', truncated: false, bodySize: 6n });
    const times = [ended.acceptedAt, ended.sendingAt, ended.finishedAt].map(Number);
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    const again = await test.rpc.calls.onCallEnd(call);
    expect(again.replayed).to.equal(true);
    expect(again.execution).to.deep.equal({ ...ended, request: undefined, response: undefined });
    expect(test.newRequests().length).to.equal(1);
    const { headers } = await test.nextRequest();
    expect(headers).to.include({
      'callhooks-execution': ended.executionUuid,
      'idempotency-key': ended.executionUuid,
      baggage: `callhooks.execution=${ended.executionUuid}`,
    });
    expect(headers).to.not.have.any.keys('traceparent', 'callhooks-test');
  });

  it('renders the details of the request into the report', async () => {
    const agent = await agentWithPost({
      duration: '{{call_duration}}',
      text: 'took {{call_duration}} s: {{call_summary}}',
      phone: '{{caller_phone}}',
      turns: '{{metadata.transcript}}',
      x: '{{x}}',
      gone: '{{metadata.gone}}',
    });
    const { execution } = await test.rpc.calls.onCallEnd({
      ...newCall(agent),
      callerPhone: '+1',
      callDuration: { seconds: 63n, nanos: 250_000_000 },
      callSummary: 'All well 😀\n"quoted"',
      metadata: { transcript: [{ who: 'bot', at: 2 ** 53 + 2 }], more: { z: 1, a: 2 } },
      dynamicVariables: { x: { z: '👩‍👩‍👧', a: -0 } },
    });
    expect((await test.nextRequest()).body).to.equal(
      JSON.stringify({
        duration: 63.25,
        text: 'took 63.25 s: All well 😀\n"quoted"',
        phone: '+1',
        turns: [{ who: 'bot', at: 9007199254740994 }],
        x: { z: '👩‍👩‍👧', a: 0 },
        gone: null,
      }),
    );
    const ended = await untilFinished(test.rpc, execution?.executionUuid);
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
      await test.rpc.calls.onCallEnd({ ...newCall(agent), callDuration: duration });
      expect(JSON.parse((await test.nextRequest()).body)).to.deep.equal({ duration: text, summary: null });
    });
  }

  it('renders what the start has left: variables and the phone, but not its metadata', async () => {
    test.receiver.respond({ body: { name: 'Ada' } });
    const body = {
      phone: '{{caller_phone}}',
      all: ['{{a}}', '{{b}}', '{{c}}', '{{d}}'],
      m: '{{metadata.m}}',
    };
    const agent = await makeAgent(test.rpc, {
      variables: { a: 'default', b: 'default', c: 'default', d: 'default' },
      pre: postTo(`${test.receiver.url}/pre`, undefined, {
        assignments: [{ attributeName: 'name', dynamicVariable: 'c' }],
      }),
      post: postTo(`${test.receiver.url}/post`, body),
    });
    const call = newCall(agent);
    await test.rpc.calls.onCallStart({
      ...call,
      callerPhone: '+49',
      metadata: { m: 1 },
      dynamicVariables: { b: 'start', c: 'start', d: 'start' },
    });
    test.lastRequest();
    await test.rpc.calls.onCallEnd({ ...call, dynamicVariables: { d: 'end' } });
    expect(JSON.parse((await test.nextRequest()).body)).to.deep.equal({
      phone: '+49',
      all: ['default', 'start', 'Ada', 'end'],
      m: null,
    });
  });

  it('renders what a start without a webhook has left', async () => {
    const agent = await agentWithPost({ x: '{{x}}', phone: '{{caller_phone}}' });
    const call = newCall(agent);
    const start = { ...call, callerPhone: '+49', dynamicVariables: { x: 'start' } };
    expect((await test.rpc.calls.onCallStart(start)).execution).to.equal(undefined);
    await test.rpc.calls.onCallEnd({ ...call, callerPhone: '+1' });
    expect(JSON.parse((await test.nextRequest()).body)).to.deep.equal({ x: 'start', phone: '+1' });
  });

  it('sends the report in the trace of its caller', async () => {
    const agent = await agentWithPost();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'a=b', baggage: 'c=d' };
    await test.rpc.calls.onCallEnd(newCall(agent), { headers });
    const sent = (await test.nextRequest()).headers;
    expect(sent['traceparent']).to.match(new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
    expect(sent).to.not.have.property('tracestate');
    expect(sent['baggage']).to.not.include('c=d');
  });

  it('is accepted before the start of its conversation, and that start runs afterwards', async () => {
    const agent = await makeAgent(test.rpc, {
      pre: postTo(`${test.receiver.url}/pre`),
      post: postTo(`${test.receiver.url}/post`),
    });
    const call = newCall(agent);
    const { execution } = await test.rpc.calls.onCallEnd(call);
    await untilFinished(test.rpc, execution?.executionUuid);
    expect((await test.rpc.calls.onCallStart(call)).replayed).to.equal(false);
    expect(test.newRequests().map(({ url }) => url)).to.deep.equal(['/post', '/pre']);
  });

  it('answers fifty calls at once for one conversation with one execution', async () => {
    const call = newCall(await agentWithPost());
    const replies = await Promise.all(Array.from({ length: 50 }, () => test.rpc.calls.onCallEnd(call)));
    expect(new Set(replies.map(({ execution }) => execution?.executionUuid)).size).to.equal(1);
    expect(replies.filter(({ replayed }) => !replayed)).to.have.length(1);
    await untilFinished(test.rpc, replies[0]?.execution?.executionUuid);
    expect(test.newRequests().length).to.equal(1);
  });

  it('sends the report after a start that still runs, also when that fails', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    test.receiver.respond(async ({ url }) => {
      if (url === '/pre') await released;
      return { status: url === '/pre' ? 500 : 200 };
    });
    const agent = await makeAgent(test.rpc, {
      pre: postTo(`${test.receiver.url}/pre`),
      post: postTo(`${test.receiver.url}/post`),
    });
    const call = newCall(agent);
    const start = test.rpc.calls.onCallStart(call);
    await test.nextRequest();
    const { execution } = await test.rpc.calls.onCallEnd(call);
    await wait(1_300);
    const { state } = await readExecution(test.rpc, execution?.executionUuid);
    expect(state).to.equal(pb.ExecutionState.EXECUTION_STATE_ACCEPTED);
    release();
    await start;
    expect(outcomeOf(await untilFinished(test.rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
    const urls = () => test.newRequests().map(({ url }) => url);
    await until('the post-call behind the pre-call', () => urls().join() === '/pre,/post');
  });
});
