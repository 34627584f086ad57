import { expect } from 'chai';
import { explainConversation, explainExecution } from '../../../src/explain/explain-execution.ts';
import type { RecordedExecution, WebhookToday } from '../../../src/explain/read-conversation.ts';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';

const SAME: WebhookToday = {
  state: 'same',
  webhook: pb.Webhook.fromPartial({
    webhookConfig: {
      assignments: [{ attributeName: 'customer.full_name', dynamicVariable: 'name' }],
      rejection: { httpStatuses: [403] },
    },
  }),
};

/** Makes a pre-call that succeeded, with other parts. */
function recorded(parts: Partial<pb.Execution>, today: WebhookToday = SAME): RecordedExecution {
  const execution: pb.Execution = {
    ...pb.Execution.fromPartial({ webhookType: 1, state: 3, decision: 1, webhookEtag: 'e1' }),
    ...parts,
  };
  const reply = pb.GetExecutionResponse.fromPartial({ dynamicVariables: { name: 'there' } });
  reply.variableSources = { name: pb.VariableSource.VARIABLE_SOURCE_DEFAULT };
  return { execution, reply: { ...reply, execution }, today };
}

const answer = (status: number, body: string) => ({
  ...pb.ResponseRecord.fromPartial({ status, body }),
  bodySize: BigInt(body.length),
});

describe('explainExecution', () => {
  it('returns what stood in place of a missing attribute as data', () => {
    const { misses, variables, response } = explainExecution(
      recorded({
        response: answer(200, '{"customer":{"plan":"gold","fullName":"<b>"}}'),
        missedAssignments: [{ attributeName: 'customer.full_name', dynamicVariable: 'name', reason: 1 }],
      }),
    );
    expect(misses[0]).to.deep.include({
      reason: 'NOT_FOUND',
      near: {
        ...{ path: 'customer', isFound: false, elsewhere: ['customer.fullName'] },
        standing: { kind: 'object', keys: ['fullName', 'plan'], moreKeys: 0 },
      },
    });
    expect(variables.list).to.deep.equal([
      {
        ...{ name: 'name', value: 'there', source: 'DEFAULT', sourceText: 'the default of the agent' },
        why: 'its assignment from customer.full_name took no value',
        isMissed: true,
      },
    ]);
    expect(response).to.deep.nested.include({
      tone: 'good',
      'body.json': { customer: { plan: 'gold', fullName: '<b>' } },
    });
  });

  it('says what an assignment to all variables did not find', () => {
    const webhookConfig = { assignments: [{ attributeName: 'vars', dynamicVariable: '*' }] };
    const webhook = pb.Webhook.fromPartial({ etag: 'e1', webhookConfig });
    const whyOf = (missedAssignments: pb.MissedAssignment[]) =>
      explainExecution(recorded({ missedAssignments }, { state: 'same', webhook })).variables.list[0]?.why;
    expect(whyOf([])).to.equal('vars has no value for it');
    const missed = pb.MissedAssignment.fromPartial({
      attributeName: 'vars',
      dynamicVariable: '*',
      reason: 1,
    });
    expect(whyOf([missed])).to.equal('its assignment from vars took no value');
  });

  const failure = pb.Failure.fromPartial({ code: 1, message: 'too slow', sent: 2 });
  const decisions: [title: string, parts: Partial<pb.Execution>, expected: object][] = [
    ['a success', {}, { word: 'PROCEED', tone: 'good', isDegraded: false, setting: undefined }],
    [
      'a degraded call',
      { failure, degraded: true, state: 4 },
      { word: 'PROCEED', tone: 'bad', isDegraded: true, setting: 'failure_policy' },
    ],
    [
      'a blocked call',
      { failure, decision: 2 },
      { word: 'BLOCK', tone: 'bad', isDegraded: false, setting: 'failure_policy' },
    ],
    [
      'a rejected call',
      { rejected: true, decision: 2, response: answer(403, '') },
      { word: 'BLOCK', setting: 'rejection.http_statuses' },
    ],
  ];
  for (const [title, parts, expected] of decisions) {
    it(`names the setting that decided about ${title}`, () => {
      expect(explainExecution(recorded(parts)).decision).to.include(expected);
    });
  }

  it('names no setting of a webhook that has changed', () => {
    const parts = { rejected: true, decision: 2, response: answer(403, '') } as const;
    const explained = explainExecution(recorded(parts, { state: 'agent deleted' }));
    expect(explained.decision?.setting).to.equal('rejection');
    expect(explained.revision).to.include({ state: 'agent deleted', etag: 'e1', etagToday: undefined });
  });

  it('says why an execution failed, and whether the endpoint has seen the request', () => {
    expect(explainExecution(recorded({ state: 4, failure })).outcome.failure).to.deep.equal({
      ...{ code: 'TIMEOUT', message: 'too slow' },
      sent: 'The endpoint may have seen the request: no response head arrived.',
    });
  });

  it('does not say of a shutdown that no outcome was recorded, nor without an outcome that no response came', () => {
    const outcomeOf = (code: pb.FailureCode) =>
      explainExecution(recorded({ state: 5, failure: { code, message: '', sent: pb.Sent.SENT_MAYBE } }))
        .outcome;
    expect(outcomeOf(pb.FailureCode.FAILURE_CODE_SHUTDOWN).sentences).to.deep.equal([
      'The endpoint may have seen the request: no response head arrived.',
    ]);
    expect(outcomeOf(pb.FailureCode.FAILURE_CODE_INTERRUPTED).sentences).to.deep.equal([
      'The endpoint may have seen the request.',
      'No outcome was recorded in time, so nobody knows how it went.',
    ]);
  });

  const bodies: [title: string, record: Partial<pb.ResponseRecord>, expected: object][] = [
    ['is binary', { bodyBinary: true, bodySize: 9n }, { absence: 'the body is not text: 9 bytes' }],
    ['is not on record', { bodySize: 9n }, { absence: 'the body is not on record: 9 bytes' }],
    [
      'was cut',
      { body: '{"a":', bodySize: 9n, truncated: true },
      { text: '{"a":', json: undefined, cut: 'cut: the record has 5 bytes of 9 bytes' },
    ],
    ['is empty', {}, { text: '', absence: undefined, cut: undefined }],
  ];
  for (const [title, record, expected] of bodies) {
    it(`says that a body ${title}`, () => {
      const response = { ...pb.ResponseRecord.fromPartial({ status: 500 }), ...record };
      const explained = explainExecution(recorded({ response })).response;
      expect(explained?.tone).to.equal('bad');
      expect(explained?.body).to.include(expected);
    });
  }
});

describe('explainConversation', () => {
  const types = (executions: RecordedExecution[]) => {
    const explained = explainConversation(executions);
    return [explained?.noPreCall === undefined, explained?.noPostCall === undefined];
  };
  const pre = recorded({});
  const post = recorded({ webhookType: 2 });

  it('says which of the two executions is not on record', () => {
    expect(types([pre])).to.deep.equal([true, false]);
    expect(types([post])).to.deep.equal([false, true]);
    expect(types([pre, post])).to.deep.equal([true, true]);
  });

  it('returns undefined without executions', () => {
    expect(explainConversation([])).to.equal(undefined);
  });
});
