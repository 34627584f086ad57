import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { errorOf } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const {
  VARIABLE_SOURCE_DEFAULT: byDefault,
  VARIABLE_SOURCE_REQUEST: byRequest,
  VARIABLE_SOURCE_ASSIGNMENT: byAssignment,
  VARIABLE_SOURCE_ASSIGNMENT_DEFAULT: byAssignmentDefault,
} = pb.VariableSource;
const { CALL_DECISION_PROCEED: proceed } = pb.CallDecision;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const REPLY = { body: { name: 'Ada', tier: { level: 3 } } };

describeEachEngine('OnCallStart', (engine) => {
  const test = useAppWithReceiver(engine, REPLY);

  it('answers with variables, their sources, the decision and the whole execution', async () => {
    const agent = await makeAgent(test.rpc, {
      variables: { name: 'nobody', plan: 'none', level: 0, note: null, untouched: [1] },
      pre: postTo(test.receiver.url, undefined, {
        assignments: [
          { attributeName: 'name', dynamicVariable: 'name' },
          { attributeName: 'tier.level', dynamicVariable: 'level' },
          { attributeName: 'nothing', dynamicVariable: 'note', defaultValue: { set: false } },
          { attributeName: 'none', dynamicVariable: 'plan' },
        ],
      }),
    });
    const call = { agentUuid: agent.agentUuid.toUpperCase(), conversationUuid: randomUUID().toUpperCase() };
    const before = Date.now();
    const reply = await test.rpc.calls.onCallStart({
      ...call,
      dynamicVariables: { plan: 'gold', extra: true },
    });
    const { execution, ...rest } = reply;
    expect(rest).to.deep.equal({
      decision: proceed,
      degraded: false,
      rejected: false,
      rejectReason: '',
      dynamicVariables: {
        name: 'Ada',
        plan: 'gold',
        level: 3,
        note: { set: false },
        untouched: [1],
        extra: true,
      },
      variableSources: {
        name: byAssignment,
        plan: byRequest,
        level: byAssignment,
        note: byAssignmentDefault,
        untouched: byDefault,
        extra: byRequest,
      },
      replayed: false,
    });
    const { executionUuid, acceptedAt, sendingAt, finishedAt, timings, ...others } =
      execution as pb.Execution;
    expect(others).to.deep.equal({
      agentUuid: agent.agentUuid,
      conversationUuid: call.conversationUuid.toLowerCase(),
      webhookUuid: agent.pre?.webhookUuid,
      webhookEtag: agent.pre?.etag,
      webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
      state: pb.ExecutionState.EXECUTION_STATE_SUCCEEDED,
      failure: undefined,
      decision: proceed,
      degraded: false,
      rejected: false,
      rejectReason: '',
      failurePolicy: pb.FailurePolicy.FAILURE_POLICY_PROCEED,
      timeLimit: { seconds: 10n, nanos: 0 },
      timeLimitSource: pb.TimeLimitSource.TIME_LIMIT_SOURCE_CONFIG,
      request: undefined,
      response: undefined,
      assignedVariables: undefined,
      missingVariables: [],
      missedAssignments: [
        {
          attributeName: 'none',
          dynamicVariable: 'plan',
          reason: pb.MissReason.MISS_REASON_NOT_FOUND,
        },
      ],
      instance: 'replica-1',
    });
    expect(executionUuid).to.match(UUID_V7);
    const times = [before - 5_000, ...[acceptedAt, sendingAt, finishedAt].map(Number), Date.now() + 5_000];
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    const phases = Object.entries(timings as pb.Timings).filter(([, phase]) => phase !== undefined);
    expect(Object.fromEntries(phases))
      .to.include.keys('queued', 'firstByte', 'total')
      .and.not.have.property('tls');
  });

  it('keeps emoji, large numbers and the order of keys, in the request, the reply and the database', async () => {
    const defaults = {
      emoji: '👩‍👩‍👧',
      order: { z: 1, a: { y: 2, b: 3 } },
      big: 2 ** 53 + 2,
      tiny: 5e-324,
      minus: -0,
    };
    test.receiver.respond({
      body: '{"id":12345678901234567890,"deep":{"z":[9007199254740993,1.50,-0],"a":"\\ud83d\\ude00\\ud800"}}',
    });
    const agent = await makeAgent(test.rpc, {
      variables: { ...defaults, id: null, deep: null },
      pre: postTo(
        test.receiver.url,
        { all: ['{{emoji}}', '{{order}}', '{{big}}', '{{tiny}}', '{{minus}}'] },
        {
          assignments: [
            { attributeName: 'id', dynamicVariable: 'id' },
            { attributeName: 'deep', dynamicVariable: 'deep' },
          ],
        },
      ),
    });
    const call = newCall(agent);
    const reply = await test.rpc.calls.onCallStart(call);
    expect(test.lastRequest().body).to.equal(
      '{"all":["👩‍👩‍👧",{"z":1,"a":{"y":2,"b":3}},9007199254740994,5e-324,0]}',
    );
    expect(reply.dynamicVariables).to.deep.equal({
      ...defaults,
      minus: 0,
      id: '12345678901234567890',
      deep: { z: ['9007199254740993', 1.5, 0], a: '😀\ufffd' },
    });
    expect(Object.keys((reply.dynamicVariables ?? {})['deep'] as object)).to.deep.equal(['z', 'a']);
    const again = await test.rpc.calls.onCallStart(call);
    expect(again).to.deep.equal({ ...reply, replayed: true });
    expect(JSON.stringify(again.dynamicVariables)).to.equal(JSON.stringify(reply.dynamicVariables));
  });

  it('derives the time limit from a deadline that is shorter than the webhook’s, less a reserve', async () => {
    const agent = await makeAgent(test.rpc, { pre: postTo(test.receiver.url) });
    const { execution } = await test.rpc.calls.onCallStart(newCall(agent), { deadlineMs: 2_000 });
    expect(execution?.timeLimitSource).to.equal(pb.TimeLimitSource.TIME_LIMIT_SOURCE_DEADLINE);
    const limitMs = Number(execution?.timeLimit?.seconds) * 1_000 + Number(execution?.timeLimit?.nanos) / 1e6;
    expect(limitMs).to.be.within(1_000, 1_800);
  });

  it('goes on when its caller has gone, and a repeat gets the reply', async () => {
    const agent = await makeAgent(test.rpc, { pre: postTo(test.receiver.url) });
    const call = newCall(agent);
    const cancel = new AbortController();
    test.receiver.respond(async () => {
      cancel.abort();
      return { delayMs: 200 };
    });
    expect((await errorOf(test.rpc.calls.onCallStart(call, { signal: cancel.signal }))).code).to.equal(
      'CANCELLED',
    );
    const reply = await test.rpc.calls.onCallStart(call);
    expect(reply.replayed).to.equal(true);
    expect(outcomeOf(reply.execution as pb.Execution)).to.equal('SUCCEEDED');
    test.lastRequest();
  });
});
